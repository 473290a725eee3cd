import sys

import pytest

from trajvlm.data.errors import UserError, exit_with_a_sentence


@pytest.mark.parametrize("terminal", [False, True])
def test_a_users_error_is_its_sentence_on_standard_error_and_status_1(terminal, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with pytest.raises(SystemExit) as left, exit_with_a_sentence():
        raise UserError("there is no file x.mp4; check the name")
    said = capsys.readouterr()
    sentence = "there is no file x.mp4; check the name"
    assert left.value.code == 1 and said.out == ""
    assert said.err == (f"\033[31m{sentence}\033[0m\n" if terminal else f"{sentence}\n")


def test_other_errors_pass():
    with pytest.raises(ValueError), exit_with_a_sentence():
        raise ValueError
