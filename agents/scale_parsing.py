"""A known length in a person's words as a `Scale`, where it stands alone, as an option of the command line does."""

import re

from trajvlm.agents.known_length import known_length
from trajvlm.agents.length_parsing import densities, marked
from trajvlm.agents.quantity_parsing import plain
from trajvlm.agents.stick import length_px, stick
from trajvlm.data.errors import UserError
from trajvlm.vlm.scale import Scale


def scale(text: str) -> Scale:
    """A known length such as `6.7 cm` or `the ball is 6.7 cm wide`, `412 px/m` or `1 m is 412 pixels`, `1 m between
    120,400 and 519,402`, `3 m away`, `the picture is 2 m wide`.

    Raises:
        UserError: the text holds no length, more than one, or a number that does not belong to it.
    """
    if (laid := stick(text)) is not None:
        if laid.length_m is None or re.search(r"\d", laid.rest):
            raise UserError(f"{text!r} is no scale; a stick is one length, as in '1 m between 120,400 and 519,402'")
        return Scale(pixels_per_metre=length_px(laid.ends) / laid.length_m)
    words = marked(plain(text))
    density, rest = densities(words)
    metres = rest.metres(rest.text)
    if not density and not metres:
        raise UserError(
            f"{text!r} is no scale; give the object's diameter ('6.7 cm'), pixels per metre ('412 px/m'), a length "
            f"between two places ('1 m between 120,400 and 519,402'), its mean distance from the camera ('3 m away') "
            f"or the picture's width ('the picture is 2 m wide')"
        )
    if len(density) + len(metres) > 1 or re.search(r"\d|⟦p", re.sub(r"⟦m\d+⟧", "", rest.text)):
        raise UserError(f"{text!r} holds more than one number; a scale is one length, such as '6.7 cm' or '412 px/m'")
    found = known_length(words, alone=True)
    assert found is not None  # one length or density was found above, and nothing else is said of it
    return found
