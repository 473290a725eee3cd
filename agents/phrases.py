"""The words by which people ask for each thing, as regular expressions over plain lower-case text."""


def _any(*alternatives: str) -> str:
    return "|".join(alternatives)


_THING = r"(?:it|this|that|(?:the|this|that|my) \w+(?: \w+)?)"
_FILM = r"\b(?:video|film|clip|footage|picture|frames?|recording|movie)\b"
_TURN = r"(?:turn|lap|revolution|rotation|swing|circle|cycle|loop|oscillation)"

QUANTITIES = (
    ("g", _any(r"\bg\b(?!\s*=)", r"gravit", r"free.?fall", r"\b9\.8\d*\b(?! ?[*/])")),
    (
        "acceleration",
        _any(
            r"(?<!gravitational )accelerat(?!ion (?:of|due to|from) (?:gravity|free))",
            r"\bspeed(?:ing)? up\b",
            r"slow(?:ing)? down",
            r"decelerat",
        ),
    ),
    (
        "speed",
        _any(
            r"(?<!angular )(?<!rotation )\bspeed\b(?! up)",
            r"how (?:fast|quick)",
            r"(?<!angular )\bvelocit",
            r"\bfastest",
            r"\bm/s\b(?!\^)",
            r"met(?:re|er)s per second",
        ),
    ),
    ("period", _any(r"\bperiod", rf"(?:long|time|duration)\b.*\b{_TURN}\b")),
    (
        "frequency",
        _any(
            r"frequenc",
            r"angular (?:velocity|speed|rate)",
            r"rotation(?:al)? (?:rate|speed)",
            r"\bhertz\b",
            r"\bhz\b",
            r"\brpm\b",
            rf"{_TURN}s (?:per|a|each|every)\b",
            r"how often",
            r"how many (?:turns|times)",
        ),
    ),
    ("amplitude", _any(r"amplitude", r"how (?:far|wide|large|big)\b.*\b(?:swing|side|pendulum)")),
    ("pitch", _any(r"\bpitch\b", rf"(?:climb|rise|advance)s? (?:per|in|each|every|with each) (?:1 )?{_TURN}")),
    (
        "radius",
        _any(r"\bradius\b", r"(?:how (?:big|large|wide)|size|diameter).*\b(?:circle|orbit|loop|ring|helix|spiral)"),
    ),
    (
        "height",
        _any(
            r"how high",
            r"highest",
            r"\bheight\b",
            r"\bapex\b",
            r"\bpeak\b",
            r"(?:of|reach(?:es)?) (?:its|the) (?:top|summit|maximum)",
            r"\btop of",
        ),
    ),
    (
        "distance",
        _any(
            r"how far (?:did|does|has)",
            r"distance",
            r"length of (?:the|its) path",
            r"path length",
            r"how long (?:is|was) (?:the|its) (?:path|trajectory|way|curve)",
            r"ground (?:did|does) it cover",
        ),
    ),
)
"""Name of each quantity and the words for it."""

PLOT = _any(
    r"visuali[sz]e",
    r"\bfigure\b",
    r"\bplot",
    r"\bgraph",
    r"\bchart",
    r"\bdiagram",
    r"(?:against|versus|vs\.?|over) time",
)
PLOTTED = (
    ("all", r"everything|position.*velocity.*accelerat"),
    ("velocity", r"velocit|speed"),
    ("acceleration", r"accelerat"),
    ("position", r"position|\b[xyz]\b|coordinate|path"),
)
DRAW = _any(
    r"\boverlay",
    r"\bannotat",
    r"\b(?:path|curve|trajectory|line|equation|fit|orbit)\b.*\b(?:over|on|onto|in|into|on top of)\b.*" + _FILM,
    _FILM + r" with the (?:\w+ )?(?:path|curve|trajectory|line|fit)",
    r"\b(?:every|each) frame",
    r"\b(?:draw|trace|put|show|mark|paint|superimpose|project|render|lay)\b.*\b(?:over|on|onto|in|into|on top of)\b.*"
    + _FILM,
)
TOKENS = _any(
    r"\btokens?\b",
    r"\bcodes?\b",
    r"codebook",
    r"mosaic",
    r"reconstruct",
    r"\bdecoded\b",
    r"tokeni[sz]er",
    r"(?:model|network|machine|computer|ai|system) (?:actually |really )?(?:see|saw)",
    r"to the (?:model|network|machine|computer|ai|system)",
)
TABLE = _any(
    r"\bcsv\b",
    r"\bjson\b",
    r"\btables?\b(?! tennis)",
    r"spreadsheet",
    r"\bexcel\b",
    r"\bdownload",
    r"\bexport",
    r"\b(?:save|give me) (?:the |all the )?(?:data|numbers|values)",
    r"raw data",
    r"as a file",
    r"\blist of\b",
)
EQUATION = _any(
    r"equation",
    r"formula",
    r"\b[xyz]\s?\(t\)",
    r"expression for",
    r"functions? of time",
    r"\bmaths?\b",
    r"law of motion",
    r"mathematical",
)
BOTH = r"\bboth\b|raw and refined|refined and raw|compare"
RAW = r"\braw\b|unrefined|(?:before|without) (?:the )?(?:fit|refine)|language model"
DESCRIBE = _any(
    r"\bdescri",
    r"\banaly[sz]",
    r"\bclassif",
    r"\bfamily\b",
    r"\b(?:kind|type|sort) of (?:motion|movement|path|trajectory|curve|thing)",
    rf"how (?:does|did|is|was) {_THING} (?:move|moving|fly|flying|travel)",
    rf"what(?:'s| is| was) {_THING} doing",
    r"what(?:'s| is) (?:happening|going on|this)\b",
    r"(?:which|what) (?:motion|movement|family)",
    r"how (?:sure|certain|confident)",
    r"confidence",
    r"probabilit",
    r"summar",
    r"\bidentif",
    r"\brecogni[sz]",
    r"^(?:run|start)\b",
    r"\b(?:motion|movement|trajectory|moves?|moving|path)\b",
    r"\b(?:circle|circular|helix|helical|spiral|parabol\w*|projectile|linear|straight|oscillat\w+|pendulum)\b",
    r"tell me about (?:the|this|that) (?:motion|movement|video|clip)",
    r"look at (?:the|this|my) (?:video|clip|film)",
)
FORECAST = _any(
    r"(?:after|past|beyond|following) (?:the )?(?:end|clip|last frame|video)",
    r"\bpredict",
    r"forecast",
    r"extrapolat",
    r"\bcontinu",
    r"\bfuture\b",
    r"\bahead\b",
    rf"will {_THING} (?:be|go|land|end)",
    rf"would {_THING} (?:be|go|land|have)",
    r"\blater\b",
    rf"after {_THING} (?:ends?|ended|stops?|stopped|finish\w*|is over)",
    r"from now",
    r"going to",
    r"\bextend",
    r"\bforwards?\b",
    r"(?:carr(?:y|ied|ies)|go(?:es)?|went|k[ee]e?pt?s?) (?:on|going)",
    r"\bnext\b",
)
LANDING = r"predict|extend|forecast|extrapolat|\bland\b|continu"
POSITION = _any(
    r"\bwhere\b",
    r"position",
    r"location",
    r"coordinates",
    r"\bpixels?\b",
    r"\bplace\b",
    r"\bspot\b",
    r"\bwhereabouts\b",
    r"\b[xyz](?:,? (?:and )?[xyz])+\b",
    r"how high up",
)
AT_END = _any(
    r"(?:at|in|on) the (?:very )?(?:end|last frame|finish)\b",
    r"(?:final|last) frame",
    r"when (?:it|the \w+) (?:ends|stops|finishes)",
    r"final position",
    r"end up",
)
AT_START = (
    r"(?:at|in|on) the (?:very )?(?:start|beginning|first frame)|initial|\b(?:start|beg[iau]n)(?:ed|ning|ing|s)?\b"
)
VIDEO_CLOCK = r"(?:of|in|into|on) the (?:video|film|file|footage|recording)|video time"

NOT_SIZE = r"\baway\b|from the (?:camera|lens)|\bhigh\b|\btall\b|\blong\b|string|rope|distance|\bfell\b|\bdrop"
WHOLE = _any(
    r"(?:whole|entire|full|complete) (?:video|clip|film|thing|recording)",
    r"(?:reset|clear|forget|remove|undo) (?:the )?(?:window|range|interval)",
)
WINDOW = _any(
    r"\bonly\b|\bjust\b|window|restrict|\btrim|\blimit|\bfocus|\bcut\b|\bignore|\bskip|\buse\b|\blook\b|between",
    r"stretch|section|segment|\bpart\b|\bfrom\b|interval|\bcrop|leave out|\brange\b|without the",
)
AWAY = r"ignore|skip|leave out|\bcut\b|\bwithout\b|\bdrop\b"
EARLY = r"(?:before|until|till|up to|earlier than)"
LATE = r"(?:after|past|from|since|later than|starting at|beyond)"
BEGIN = r"\b(?:start|begin)(?:ning)? at"
STOP = r"\b(?:stop|end)(?:ping|ing)? at"
ELSEWHERE = r"^who\b|how (?:fast|high|far|quick) (?:is|are|can|does) an? |speed of (?:light|sound)"
"""What sounds like a question about the video and is one about the world."""
