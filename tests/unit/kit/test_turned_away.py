"""Whether an upstream turns away an account, or whoever asks for one thing."""

from datetime import UTC, datetime, timedelta

from kit.budgets.turned_away import MOST_THINGS, TurnedAway

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
APP = ("github.core", "app")


def test_one_thing_that_is_refused_closes_nobody_out_and_is_not_asked_for() -> None:
    away = TurnedAway()
    assert not away.refused(APP, "a", NOW + MINUTE, NOW)
    assert away.until(APP, "a", NOW) == NOW + MINUTE
    assert away.until(APP, "a", NOW + MINUTE) is None
    assert away.until(APP, "b", NOW) is None
    assert away.until(("github.core", "account 7"), "a", NOW) is None


def test_two_things_in_a_row_are_the_accounts_limit() -> None:
    away = TurnedAway()
    assert not away.refused(APP, "a", NOW + MINUTE, NOW)
    assert away.refused(APP, "b", NOW + MINUTE, NOW)
    assert away.refused(APP, "c", NOW + MINUTE, NOW)
    assert away.until(APP, "b", NOW) is None, "the account waits, and not the thing"
    away.answered(APP, "d")
    assert not away.refused(APP, "b", NOW + MINUTE, NOW)


def test_an_answer_in_between_shows_that_the_account_is_welcome() -> None:
    away = TurnedAway()
    for thing in ("a", "b", "c"):
        assert not away.refused(APP, thing, NOW + MINUTE, NOW)
        away.answered(APP, "fine")


def test_what_is_refused_again_and_again_is_asked_for_less_and_less_often() -> None:
    away, now, pauses = TurnedAway(lambda: 0.0), NOW, []
    for _ in range(20):
        assert not away.refused(APP, "a", now + timedelta(seconds=1), now)
        assert not away.refused(APP, "a", now + timedelta(seconds=1), now), "of the same moment: it counts once"
        until = away.until(APP, "a", now)
        assert until is not None
        pauses.append((until - now).total_seconds())
        now = until
    assert pauses[:5] == [1, 30, 60, 120, 240]
    assert pauses[-1] == 6 * 3_600
    away.answered(APP, "a")
    assert not away.refused(APP, "a", now + timedelta(seconds=1), now)
    assert away.until(APP, "a", now) == now + timedelta(seconds=1)


def test_what_is_remembered_is_bounded() -> None:
    away = TurnedAway()
    for number in range(MOST_THINGS + 10):
        away.answered(APP, "fine")
        away.refused(APP, str(number), NOW + MINUTE, NOW)
    assert away.until(APP, "0", NOW) is None
    assert away.until(APP, str(MOST_THINGS), NOW) is not None
