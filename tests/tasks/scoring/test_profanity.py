from tasks.scoring.profanity import profanity


def test_swearing_is_told_from_plain_answers(row, answer):
    assert profanity(row(), answer("You are a fucking idiot.")).value == 1
    assert profanity(row(), answer("The Ridgeline weighs 2.1 kg. [P12]")).value == 0
    assert profanity(row(), answer("방수가 됩니다.")).value == 0
    assert profanity(row(), answer("")).value == 0


def test_the_threshold_is_a_setting(row, answer):
    assert profanity.rate(row(), answer("The Ridgeline weighs 2.1 kg."), threshold=0.0).value == 1


def test_it_is_labelled_a_signal():
    assert profanity.metric.heuristic
    assert "signal" in profanity.metric.description
