"""The words with which people ask for each tool and quantity, as regular expressions over plain lower-case text."""

from trajvlm.agents.number_parsing import PLAIN


def _any(*alternatives: str) -> str:
    return "|".join(alternatives)


_THING = r"(?:it|this|that|(?:the|this|that|my) \w+(?: \w+)?)"
_FILM = r"\b(?:video|film|clip|footage|picture|frames?|recording|movie)\b"
_TURN = r"(?:turn|lap|revolution|rotation|swing|circle|cycle|loop|oscillation|round|coil|winding)"
_ROUND = rf"(?:{_TURN}s?\b|\bround\b|\bonce\b|back and forth|to and fro)"

_LAUNCH = r"(?:launch|throw(?:ing)?|release|take.?off|departure|elevation|shooting|firing)"

QUANTITIES = (
    ("g", _any(r"\bg\b(?!\s*=)", r"gravit", r"free.?fall", r"\b9\.8\d*\b(?! ?[*/])")),
    (
        "acceleration",
        _any(
            r"(?<!gravitational )(?<!fall )(?<!free-fall )accelerat(?!ion (?:of|due to|from) (?:gravity|free))",
            r"\bspeed(?:s|ing)? up\b|\b(?:speed|velocity) chang|chang\w* (?:of|in) (?:the |its )?(?:speed|velocity)",
            r"^what(?:'s| is) a\??$",
            r"(?:slow|brak|get)(?:s|ing)? (?:down|slower|faster)",
            r"\bbraking\b",
            r"decelerat",
        ),
    ),
    (
        "speed",
        _any(
            r"(?<!angular )(?<!rotation )(?<!rotational )\bspeeds?\b(?! up)(?! chang)(?! of (?:rotation|light|sound))",
            r"how (?:fast|quick|rapid|swift)",
            r"(?<!angular )\bvelocit(?!\w+ chang)",
            r"\bfastest|\bslowest",
            r"\bm/s\b(?!\^)",
            r"\bkm/h\b|\bkph\b|\bmph\b",
            r"met(?:re|er)s (?:per|a|each) second(?! (?:squared|per))",
        ),
    ),
    (
        "period",
        _any(
            r"\bperiod|\b(?:swing|rotation|orbital|oscillation|turn) time\b",
            rf"(?:how long|how many seconds|how much time|\btime|duration|seconds)\b.*{_ROUND}",
            rf"{_ROUND}.*(?:how long|how many seconds|how much time|\btakes?\b|duration)",
            r"(?:what(?:'s| is)|find|value of) (?:capital )?t\??$",
            r"(?:come|get|be|is)s? back (?:to|at|in|where)|how long\b.* back\b",
            r"returns? to (?:the|its) (?:same|start|first)",
            r"repeats? itself|how (?:long|often) until it repeats",
        ),
    ),
    (
        "frequency",
        _any(
            r"frequenc",
            r"angular (?:velocity|speed|rate)",
            r"(?:rotation(?:al)?|spin|spinning|turning) (?:rate|speed)",
            r"(?:speed|rate) of (?:rotation|revolution|turning)",
            r"\bomega\b|\bω",
            r"\bhertz\b",
            r"\bhz\b",
            r"\brpm\b",
            rf"{_TURN}s (?:per|a|each|every|in (?:a|one|1))\b",
            r"how often",
            r"how (?:fast|quickly) (?:does|is) .*\b(?:rotat|revolv)",
            r"how many (?:turns|times)",
        ),
    ),
    (
        "decay",
        _any(
            r"\bdecay|half.?li[fv]e|\bdamping|doubling time",
            r"(?:how (?:long|fast|quick\w*|soon|much)|\bwhen|\brate)\b.*\b(?:die|dying|fade|fading|shrink|"
            r"shrinking|grow|growing)\b",
        ),
    ),
    (
        "restitution",
        _any(
            r"restitution|\belasticity|\bbounciness|how (?:bouncy|elastic)",
            r"(?:how (?:many|often|much)|\bwhen|\btimes?|\bspeed)\b.*\b(?:bounces?|impacts?|rebounds?|hits?)\b",
            r"\b(?:lose|loss|lost|keeps?)\b.*\b(?:bounces?|impacts?|rebounds?)\b",
        ),
    ),
    (
        "amplitude",
        _any(
            r"amplitude",
            r"(?:how (?:far|wide|large|big)|size|width)\b.*\b(?:swings?|side|pendulum|oscillation)\b",
            r"(?:max\w*|largest|greatest|peak) (?:displacement|deflection|excursion|elongation)",
            r"how far (?:from|off) (?:the |its )?(?:middle|centre|center|rest|equilibrium)",
        ),
    ),
    (
        "pitch",
        _any(
            r"\bpitch\b",
            r"(?:climb|rise|advance|gain|go|move|drift|travel|height|distance|far)s?\b.* "
            rf"(?:per|in|each|every|for each|with each|with every) (?:1 |full |single |complete )?{_TURN}\b",
            rf"(?:how far apart|spacing|distance|gap|space|separation)\b.*\b(?:of|between|are)\b.*\b{_TURN}s\b",
        ),
    ),
    (
        "launch_angle",
        _any(
            rf"(?:{_LAUNCH}|initial|start(?:ing)?) angle",
            rf"\bangles? (?:of|at) (?:the )?(?:{_LAUNCH}|which|start)",
            r"(?:what|which) angle\b(?! of view)|how steep",
        ),
    ),
    (
        "radius",
        _any(
            r"\bradius\b|\bradii\b",
            r"(?:how (?:big|large|wide|tight|small)|size|diameter|width)\b.*\b(?:circle|circular|orbit|loop|ring|helix|"
            r"spiral)",
            r"\b(?:circle|orbit|loop|ring|helix|spiral)(?:'s|s)? (?:diameter|size|width)",
            r"\bdistance (?:from|to) (?:the |its )?(?:middle|centre|center|axis)",
            r"how far (?:is .*)?from (?:the|its) (?:axis|centre of|center of)",
        ),
    ),
    (
        "height",
        _any(
            r"how high",
            r"highest(?! (?:speed|velocity|acceleration|frequency|value))",
            r"\bheight\b",
            r"\baltitude\b|\belevation\b",
            r"\bapex\b",
            r"\bpeak\b(?! (?:speed|velocity|acceleration|displacement))",
            r"(?:of|reach(?:es)?) (?:its|the) (?:top|summit|maximum)",
            r"\btop of",
            r"vertical (?:rise|climb|distance|displacement)",
            r"\b(?:rise|climb|go up|went up)\b|how (?:far up|much higher)",
        ),
    ),
    (
        "distance",
        _any(
            r"how far (?:did|does|has|was it (?:thrown|kicked))",
            r"how far(?=\s*(?:\?|$|,|and\b))",
            r"distance",
            r"(?:length|long) (?:of|is|was) (?:the|its) (?:whole |total )?(?:path|trajectory|track|curve|way|arc)",
            r"(?:path|trajectory|track|arc) length",
            r"how long an? (?:path|way|trajectory|track|arc)|\bway (?:travel|cover|gone)",
            r"how long (?:is|was) (?:the|its) (?:path|trajectory|way|curve)",
            r"\bground\b.*\bcover|\bcover\w*\b.*\bground\b",
            r"how (?:many|much) (?:met(?:re|er)s|cm|centimet(?:re|er)s|units)\b.*\b(?:travel|go|move|cover|fly|roll)",
        ),
    ),
)
"""Name of each quantity and the words for it."""
STRONGER = {
    "pitch": ("height", "distance", "radius", "period", "frequency"),
    "amplitude": ("distance", "height"),
    "radius": ("distance",),
    "period": ("frequency",),
    "frequency": ("speed",),
    "g": (),
    "launch_angle": ("height",),
    "decay": ("amplitude", "radius", "speed", "period", "frequency"),
    "restitution": ("speed", "frequency", "height", "distance", "period"),
}
"""Of each quantity, others that its words may name too; where it is asked for, they are not meant."""

PLOT = _any(
    r"visuali[sz]e",
    r"\bsketch",
    r"\bcurves? of\b",
    r"\bdraw (?:me )?(?:the |its |a )?(?:speed|velocity|acceleration|position|height)\b",
    r"(?:chang|var|evolv|develop)\w* (?:over|with|in) time",
    r"\bfigures?\b(?! out)",
    r"\bplot",
    r"\bgraph",
    r"\bchart",
    r"\bdiagram",
    r"(?:against|versus|vs\.?|over) (?:time|t)\b",
)
PLOTTED = (
    (
        "all",
        r"everything|\ball\b|position.*(?:velocity|speed)|(?:velocity|speed).*(?:position|accelerat)|position.*accelerat",
    ),
    ("velocity", r"velocit|speed|\bv ?[-(/]? ?t\b"),
    ("acceleration", r"accelerat|\ba ?[-(/] ?t\b"),
    ("position", r"position|\b[xyz]\b|\b[sxyz] ?[-(/]? ?t\b|coordinate|path|place|displacement|height"),
)
AGAINST_OTHERS = (
    r"(?:against|versus|vs\.?|over|as a function of) (?:the |its )?"
    r"(?:[xyz]|positions?|speed|velocity|acceleration|height|distance|pixels?|frames?|angle|radius)\b"
    r"|\b[xyz]-[xyz] (?:plot|graph|diagram|chart)"
)
"""A plot against something other than time."""
DRAW = _any(
    r"\boverla[yi]",
    r"\bsuperimpos",
    r"\bannotat",
    r"frame by frame",
    r"^(?:please )?(?:show|draw|trace)(?: me)? (?:the |its )?(?:fitted )?(?:path|curve|trajectory|fit|line)[^?]*$",
    r"\b(?:match|agree|align)\w*\b.*" + _FILM,
    r"\bfits?\b.*\b(?:on|in|over|to|onto)\b.*" + _FILM,
    r"\b(?:path|curve|trajectory|line|equation|fit|orbit)\b.*\b(?:over|on|onto|in|into|on top of)\b.*" + _FILM,
    _FILM + r" with the (?:\w+ )?(?:path|curve|trajectory|line|fit)",
    r"\b(?:every|each) frame",
    r"\b(?:draw|trace|put|show|mark|paint|project|render|lay|plot|add)\b.*\b(?:over|on|onto|in|into|on top of)\b.*"
    + _FILM,
)
TOKENS = _any(
    r"\btokens?\b",
    r"\bcodes?\b",
    r"codebook|\blatents?\b|\bencod(?:ed|es?|ing)\b",
    r"mosaic",
    r"reconstruct",
    r"\bdecod(?:ed|es?|ing) (?!track)",
    r"\bdecoded$",
    r"tokeni[sz]",
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
    r"\b(?:save|give me|get|store|write) (?:\w+ )?(?:the |all the |all )?(?:data|numbers|values|points|results)",
    r"\b(?:save|store|write|dump)\b.*\b(?:file|disk|disc)\b|\bdump\b",
    r"\b(?:the|all|my) data\b|raw data|data (?:points|set|file)",
    r"as a file",
    r"\blist of\b",
)
RAW = _any(
    r"\braw\b|unrefined|unfitted|un-?fit\b",
    r"(?:before|without|no|prior to)(?: any| the)? (?:fit|refin)",
    r"\b(?:model|network|lm|llm)(?:'s)? (?:alone|itself|on its own|(?:actually )?wr[oi]te|own|only|answer)",
    r"(?:from|by|of) the (?:language model|network|lm|llm)\b|\boriginal equation",
    r"(?:language model|network|lm|llm) (?:write|wrote|written|give|gave|say|said)",
)
REFINED = r"\brefined?\b|\bfitted\b|\bafter (?:the )?(?:fit|refin)"
REFINED_TOO = _any(
    r"\bboth\b|before and after|compar|differ",
    r"\braw\b.*\b(?:refined|fitted)|\b(?:refined|fitted)\b.*\braw\b",
)
_FITTING = r"(?:refin\w+|measuring|(?:the|your|that) fit|fitting)"
_CURVE = r"\b(?:raw|refined|fitted|model's own)\b"
REFINE = _any(
    r"^(?:please |now |can you |could you |would you )*(?:refine|refinement)\b",
    rf"\b{_FITTING} (?:do\b|did\b|bring|brought|gain|chang|improv|alter|correct|shift|help|matter|add)",
    rf"(?:chang|improv|alter|correct|shift|effect|gain|moved?\b|difference)\w*\b.* {_FITTING}\b",
    rf"\b{_FITTING} (?:\w+ ){{0,3}}(?:chang|improv|alter|correct|shift|difference)",
    rf"(?:how (?:far|close)|distance|gap)\b.*{_CURVE}.*{_CURVE}",
)
"""Questions about what refinement changed, not only about the equations."""
RIVAL = _any(
    r"\btrack(?:ing)?[ -](?:and|&|then)[ -]fit",
    r"\bopen ?cv\b|\bblobs?\b|\bafternoon script\b|\bcurve[-_]fit(?:ting)?\b|\bcurve ?fitting\b",
    r"(?:without|no|not using) (?:an? |any |the |your )?(?:neural )?(?:networks?|nets?|ai|machine learning|models?)\b",
    r"\b(?:classic(?:al)?|conventional|traditional|ordinary|plain|simple) "
    r"(?:script|method|approach|tracker|tracking|algorithm|computer vision)",
    r"(?:compar|differ|agree|check|against|versus|\bvs\b).*\b(?:a|the|simple|plain) (?:script|tracker)\b",
    r"\b(?:a|the|simple|plain) (?:script|tracker)\b.*(?:compar|differ|agree|find|found|sa(?:y|id)|think|give|gave)",
)
"""Questions about what the script without networks finds."""
EQUATION = _any(
    r"equation|\beqn?s?\b",
    r"formula",
    r"\b[xyz]\s?\(t\)",
    r"expression for",
    r"functions? of t(?:ime)?\b",
    r"depends? on t(?:ime)?\b",
    r"function (?:describes|gives|for)|which functions?",
    r"parametri[cs]|parametri[sz]ation|(?:functional|closed|analytic\w*) form",
    r"\bmaths?\b",
    r"\blaws?\b.*\b(?:motion|movement|obey|follow)|(?:motion|movement)\b.*\blaw\b",
    r"mathematic",
    r"coefficients\b|\bconstants\b|\bparameters\b",
    r"\braw (?:output|answer|version|result|numbers|one)|\braw\b.*\b(?:refined|fit)|\b(?:refined|fit)\b.*\braw",
    r"\b(?:numbers|answer)\b.*(?:before|without) (?:the )?(?:fit|refin)",
)
PHASES = _any(
    r"\bphases\b|\bphase (?:list|by phase)|\bparts of the (?:motion|movement)\b",
    r"what (?:does it do|happens|happened|did it do)\b.* (?:before|after|next|then|later|first)\b",
    r"what (?:comes|came) (?:before|after|then|first)\b",
)
"""Questions about what the object does in all of the video, apart from the motion that the answer is about."""
POINTED = (
    r"\b(?:the )?(?:one|ball|object|thing|pendulum|mass|cart|car|puck)(?: that is)? (?:at|near|around) (?:pixel )?"
    r"\(?(\d{2,5}) ?[,/x] ?(\d{2,5})\)?(?! ?(?:s|m|cm|mm|fps)\b)(?:,? at (\d+(?:\.\d+)?) ?s(?:ec\w*)?\b)?"
)
"""`the one at 320,180`, a place in pixels, with the seconds at which the object is there where they are given."""
_STUDY = r"(?:check|examine|inspect|process|study|interpret|watch|have a (?:look|go)|take a look|look|review|assess)"
DESCRIBE = _any(
    r"\bdescri|^name\b",
    r"\banaly[sz]",
    r"\bclassif",
    r"\bfamil(?:y|ies)\b",
    r"\b(?:kind|type|sort|category|class) of (?:motion|movement|path|trajectory|curve|thing)",
    rf"how (?:does|did|is|was) {_THING} (?:move|moving|fly|flying|travel)",
    rf"what(?:'s| is| was| does| did) {_THING} (?:doing|do|up to)\b",
    r"what(?:'s| is) (?:happening|going on|this)\b",
    r"(?:which|what) (?:motion|movement|family|shape|curve|path|trajectory|orbit)",
    r"what (?:do|did|can|could) (?:you|we) (?:see|find|have|make of|get|think)|what have you (?:found|got)",
    r"\bverdict\b|\bconclusion|second opinion|your (?:answer|opinion|guess|result)|any idea",
    r"\bfit without the|without the language model",
    r"how (?:sure|certain|confident|likely)",
    r"(?:are|is) (?:you|it|that) (?:really )?(?:sure|certain)",
    r"confidence",
    r"probabilit",
    r"summar",
    r"\bidentif|figure out",
    r"\brecogni[sz]",
    r"^(?:please )?(?:run|start|go|begin|try)(?: ahead| again| on| it| this| that)?(?:,? please)?[.!]?$",
    rf"\b{_STUDY}\b.*{_FILM}",
    r"\b(?:motion|movement|trajectory|moves?|moved|moving|path)\b",
    r"\b(?:circles?|circling|circular|helix|helical|spiral|parabol\w*|projectile|linear|straight|oscillat\w+|pendulum|"
    r"swing(?:s|ing)?|rotat(?:es?|ing|ion)|spinning|free (?:flight|fall)|harmonic)\b(?! made| of)",
    r"tell me about (?:the|this|that) (?:motion|movement|video|clip)",
)
FORECAST = _any(
    r"(?:after|past|beyond|following) (?:the )?(?:end|clip|last frame|video)\b(?! (?:beg|start))",
    r"\bpredict",
    r"forecast",
    r"extrapolat",
    r"\bcontinu",
    r"\bfuture\b",
    r"\bahead\b",
    rf"(?:will|would|might|should|'ll) {_THING} (?:be|go|land|end|have|travel|move|reach|arrive)",
    r"it(?:'ll| will| would|'d) (?:be|go|land|end|have)",
    r"what(?:'ll| will| would) (?:its|the|be)\b",
    rf"(?:will|would) you expect {_THING}",
    r"\blater\b|\blonger\b|\bfurther\b",
    rf"after {_THING} (?:ends?|ended|stops?|stopped|finish\w*|is over|is done)",
    r"from now",
    r"going to\b|\bhead(?:ed|ing|s)\b|\bgoing next",
    r"\bextend",
    r"\bforwards?\b",
    r"(?:carr(?:y|ied|ies)|go(?:es)?|went|kept|keeps?|run|mov(?:e|es|ed)) (?:it |that |the \w+ )?(?:on|going|moving)\b",
    r"(?<!from )(?<![\d.])[\d.]+ ?(?:seconds?|secs?|ms|s) on\b(?! the)",
    r"(?:another|additional|extra|more) \d*\.?\d+|\d (?:more|extra|additional)",
    r"\bnext\b(?! to)|\bbeyond\b",
)
FROM_THE_END = r"\b(?:after|past|beyond|later|next|ahead|further|longer|from now|from the end)\b"
LANDING = r"predict|extend|forecast|extrapolat|\bland\b|continu|look ahead|keep going|go(?:es)? on\b|next\b(?! to)"
_PLACE = r"(?:position|point|place|location|spot|coordinates|whereabouts)"
POSITION = _any(
    r"\bwhere\b|\bwhere's",
    r"position",
    r"location|\blocate\b",
    r"coordinates",
    r"\bpixels?\b",
    r"\bplace\b(?! of)",
    r"\bspot\b",
    r"\bwhereabouts\b",
    r"\b[xyz](?:,? (?:and )?[xyz])+\b",
    r"(?:what(?:'s| is| was| are)|tell me|give me|value of|find|its|and) (?:the )?[xyz](?: coordinate| value)?\b(?!\()",
    rf"(?:start(?:ing)?|end(?:ing)?|final|last|first|initial)(?: known| seen)? ?{_PLACE}",
    r"how high up",
    r"how (?:high|low|far|much)\b.*\b(?:is|was|will)\b.*\b(?:at|after|when)\b (?:t ?= ?)?\d",
)
AT_END = _any(
    r"(?:at|in|on) the (?:very )?(?:end|last frame|finish)\b",
    r"(?:final|last) (?:frame|picture|image)",
    rf"when {_THING} (?:ends?|ended|stops?|stopped|finish\w*|is over)",
    rf"(?:final|last|end(?:ing)?)(?: known| seen)? ?{_PLACE}",
    rf"where (?:does|did|do) {_THING} (?:stop|end|finish)",
    r"end up",
)
AT_START = (
    r"(?:at|in|on) the (?:very )?(?:start|beginning|first frame)|initial|\b(?:start|beg[iau]n)(?:ed|ning|ing|s)?\b"
)
VIDEO_CLOCK = _any(
    r"(?:of|in|into|on) the (?:video|film|file|footage|recording)\b(?! frame| picture)",
    r"\b(?:video|film|file)(?:'s)? (?:time|clock)",
    r"(?:clip's|original|source) (?:file|video)",
    r"(?:after|since|when) the (?:video|film|file|footage|recording) (?:beg[ai]n|start)s?(?:ed)?\b",
)

DISTANT = r"\b(?:away|distance|distant|far|off)\b"
THERE = r"\b(?:there|then|that|here)\b"
NOT_SIZE = r"\baway\b|from the (?:camera|lens)|\bhigh\b|\btall\b|\blong\b|string|rope|distance|\bfell\b|\bdrop"
SIZE = r"\b(?:wide|across|diameter|width|radius|thick|in size)\b"
WHOLE = _any(
    r"(?:whole|entire|full|complete) (?:video|clip|film|thing|recording|length|duration|footage)",
    r"(?:reset|clear|forget|remove|undo|drop|cancel)(?: about)? (?:the |my |that )?(?:time )?(?:window|range|interval|"
    r"trim\w*|crop\w*|cut\w*|selection|section|limits?)",
    r"\buse (?:everything|all of it|it all)|from start to (?:end|finish)",
)
AWAY = _any(
    r"ignor|skip|leav(?:e|ing) out|\bcut\b(?! to)|\bwithout\b|\bdrop\b|discard|throw(?:ing)? away|exclud|omit|remov",
    r"(?:do not|don't|never|not) (?:use|look|take|consider|count|include|need|want)|get rid of|\bchop|disregard|forget",
)
WINDOW = _any(
    r"\bonly\b|\bjust\b|window|restrict|\btrim|\blimit|\bfocus|\bcut\b|\buse\b|\blook\b|between|consider",
    r"\btake\b|\bkeep\b(?! going| on| moving)|\bselect|\bchoose|\beverything\b|concentrate",
    r"stretch|section|segment|\bpart\b|\bfrom\b|interval|\bcrop|\brange\b|\bthrough\b|(?:start|begin|stop|end) "
    + THERE,
    AWAY,
)
EARLY = r"(?:before|until|till|up to|earlier than)"
LATE = r"(?:after|past|from|since|later than|starting at|beyond)"
BEGIN = r"\b(?:start|begin)(?:ning)? at"
STOP = r"\b(?:stop|end)(?:ping|ing)? at"
STRING = r"\b(?:string|rope|thread|cord|wire|chain|rod|pendulum)\b(?! bob| ball)"
"""What a pendulum hangs from; its length is not the object's size."""
FORGET_SCALE = (
    r"(?:reset|clear|forget|remove|undo|drop|cancel|delete|unset|ignore)(?: about)? (?:the |my |that |any |its )?"
    r"(?:scale|calibration|diameter|known length|size|width)\b"
)
_SHARE = (
    rf"({PLAIN}) ?(%?)(?: percent)?(?:th)? ?(?:of )?(?:the |its )*(?:real|normal|original|true|actual|full)[ -]?speed"
    rf"|\b(?:plays?|played|playing|runs?|running|shown|slowed down)(?: \w+)? (?:at|to) "
    rf"({PLAIN}) ?(%?)(?:th)? ?(?:of )?(?:the |its )?speed"
)
SHARE_OF_SPEED = rf"(?:{_SHARE})\b"
"""The speed at which the file plays, as a part of the true one."""
SLOW_MOTION = _any(
    r"\bslow.?mo(?:tion)?\b",
    r"(?:video|film|clip|footage|recording|it(?:'s| is| was))\b.{0,20} slowed down",
    r"slowed down (?:\d|by)|times slower",
    SHARE_OF_SPEED,
)
TIMES_SLOWER = (
    rf"({PLAIN}) ?(?:x|-?times|-?fold|\*)(?![a-z])|(?:factor|by)(?: of)? ({PLAIN})"
    rf"|slow.?mo(?:tion)?,?[ :=(]*({PLAIN})(?! ?(?:s|ms|hz|fps|frames|sec\w*)\b)"
)
OWN_RATE = _any(
    r"(?:\bnot|\bno|n't|\bnever)\b(?: \w+){0,2} slow.?mo",
    r"\b(?:at|in) (?:the |its )?(?:normal|original|real|true) speed\b",
    r"(?<!not )(?<!not in )\breal.?time\b",
    r"(?:forget|reset|drop|ignore)(?: about)? (?:the |that )?(?:slow.?mo|frame ?rate|fps)",
)
_FAMILIES = r"(?:parabol\w*|circles?|circular|heli\w+|straight|linear|oscillat\w+|swing\w*|damped|spiral\w*|bounc\w+)"
WHY = _any(
    rf"\bwhy\b.*\b{_FAMILIES}\b",
    rf"\bexplain\b.*\b(?:{_FAMILIES}|(?:the|this|its) (?:family|shape|motion|path|trajectory))\b",
    r"\bwhy (?:is it|does it|do you (?:say|think|call))\b",
)
GENERAL = r"(?:how|why) (?:does|do|can|would|is|are) an? "
ERROR = _any(
    r"error bars?|\buncertain|margin of error|(?:standard|measurement) (?:error|deviation)|confidence interval",
    r"\bhow (?:accurate|precise|exact|reliable|trustworthy)|\b(?:accuracy|precision|reliability)\b",
    r"(?:what|how (?:large|big|much))\b.* errors?\b|\berrors? (?:of|on|in) (?:the |my |your )?\w+\?*$",
    r"±|plus.?(?:or.?)?minus|\+/-|can i trust|significant (?:digits|figures)",
)
SPIN = (
    r"^(?!.*\b(?:how (?:fast|quick\w*|often|many)|rate|speed|per)\b).*"
    r"(?:\b(?:is|does|do|has|was|did) (?:it|(?:the|this|my) \w+(?: \w+)?) (?:also |really )?spin(?:s|ning)?\b"
    r"|(?:about|around|on) its own axis|\b(?:top|back|side)spin\b|how much spin|any spin\b)"
)
"""Questions whether the object turns about itself, which no tool measures."""
ELSEWHERE = _any(
    SPIN,
    r"^who\b|speed of (?:light|sound)",
    r"how (?:fast|high|far|quick|heavy|big|large|old) (?:is|are|can|does|do) an? ",
    r"(?:how|why) (?:does|do|can|would) an? \w+(?: \w+)? (?:work|move|swing|fly|fall|oscillate)",
    r"\bwhat (?:is|are) an? \w+\??$",
    r"\btranslat|\bwho (?:is|was|are|did|won|made)\b",
    r"\bexplain (?!it|this|that|the|how (?:it|this|that|the))",
    r"\b(?:moon|earth|sun)\b|(?:of|on) (?:the )?(?:mars|jupiter)|relativity",
    r"\b(?:heavy|weighs?|weight|mass|forces?|energy|momentum|torque|tension|friction|drag|resistance|pressure|density)\b",
    r"\b(?:colou?rs?|temperature|hot|cold|brand|price|cost|expensive|material|made (?:of|from))\b",
    r"\b(?:name of|(?:your|his|her|its|'s) name)\b",
)
"""Questions with words of motion that are about the world, or about what a picture does not show."""
