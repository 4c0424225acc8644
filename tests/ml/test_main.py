from __future__ import annotations

import pytest

from ml.__main__ import main


@pytest.mark.parametrize("words", [[], ["train"], ["evaluate"], ["predict"], ["audit"], ["gan"], ["bench"]])
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert "usage: python -m ml" in capsys.readouterr().out


def test_an_unknown_command_lists_the_known_ones(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["guess"])
    assert ended.value.code == 2
    assert "predict" in capsys.readouterr().err
