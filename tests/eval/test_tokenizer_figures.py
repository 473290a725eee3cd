"""What `trajvlm eval tokenizer` measures, on a handful of clips."""

import pytest

from trajvlm.eval.tokenizer import LEVELS, cells, evaluate, levels_table


@pytest.mark.slow
def test_the_trained_tokenizer_keeps_the_ball_and_every_control_loses_it():
    results = evaluate(clips=4, probe_clips=8, probe_minutes=0.001)
    clean, half = results["suites"]["clean"], results["suites"]["half"]
    assert clean["trained"]["lost"] < 0.05 and clean["untrained"]["lost"] == clean["blank frame"]["lost"] == 1
    assert clean["four looks"]["centre_px_median"] < clean["trained"]["centre_px_median"] < 0.5
    assert clean["trained"]["centre_px_median"] < half["trained"]["centre_px_median"]
    off = {levels: found["clean"]["centre_px_median"] for levels, found in results["levels"].items()}
    assert off["256"] == clean["trained"]["centre_px_median"] < off["16"] and list(off) == list(map(str, LEVELS))
    assert {len(line) for line in cells(results)} == {9} and levels_table(results).count("\n") == 8
