"""What would make a verdict conclusive: rows, and what they would cost."""

import math

from tasks.gating.verdict import Decision, RuleVerdict, Verdict
from tasks.pages.numbers import counted, dollars, duration
from tasks.pages.page import Need
from tasks.row_cost import RowCost


def needs(verdict: Verdict, cost: RowCost) -> tuple[Need, ...]:
    """Returns what would settle each rule that is not, where the verdict hangs on them.

    Args:
        verdict: the gate's.
        cost: of one more row.
    """
    if verdict.decision is not Decision.INCONCLUSIVE:
        return ()
    still_open = (rule for rule in verdict.rules if rule.decision is Decision.INCONCLUSIVE)
    return tuple(_need(rule, verdict, cost) for rule in still_open)


def conclusive(verdict: Verdict, needed: tuple[Need, ...]) -> str:
    """Returns what would make a verdict conclusive, in one sentence."""
    if verdict.decision is Decision.PASS:
        return "Nothing more is needed: every rule is settled."
    if verdict.decision is Decision.FAIL:
        broken = [rule.rule for rule in verdict.rules if rule.decision is Decision.FAIL]
        return f"Nothing more is needed, as more rows would not mend what is broken: {'; '.join(broken)}."
    known = [need for need in needed if need.rows is not None]
    if len(known) < len(needed):
        return "More rows alone are not known to settle it; each open rule says why."
    most = max(need.rows or 0 for need in known)
    return f"About {counted(most)} in all would settle every open rule, if the estimates stay what they are."


def _need(rule: RuleVerdict, verdict: Verdict, cost: RowCost) -> Need:
    if rule.rows_needed is None:
        return Need(rule=rule.rule, words=_obstacle(rule, verdict), rows=None, price=None, seconds=None)
    asked, scored = verdict.rows_used, rule.estimate.n
    # A rule may be about some of the rows only, and needs as many of those.
    rows = math.ceil(rule.rows_needed * asked / scored)
    more = max(0, rows - asked)
    price, seconds = cost.times(more)
    words = f"about {counted(rows)} in all, {more:,} more than were asked"
    if price is not None or seconds is not None:
        words += f": {dollars(price)} and {duration(seconds)} of answering one after another"
    if rows > verdict.rows_available:
        words += f"; the data has {counted(verdict.rows_available)}, so add about {rows - verdict.rows_available:,}"
    return Need(rule=rule.rule, words=words, rows=rows, price=price, seconds=seconds)


def _obstacle(rule: RuleVerdict, verdict: Verdict) -> str:
    """Says what stands in the way where no number of rows is known to do."""
    if rule.bound is None and verdict.champion is None:
        return "there is no champion to compare with: release one first, by `lifecycle run deploy` or `loop`"
    if rule.bound is None:
        return "the champion was evaluated on other data: evaluate it on the same"
    if rule.estimate.n == 0:
        return "no row was scored: see the rows without an answer, then evaluate again with --only-failed"
    _, _, why = rule.reason.partition(": ")
    if rule.estimate.coverage < 1 and "coverage" in rule.reason:
        return f"{why}; ask those that failed again with --only-failed"
    return f"{why}; no number of rows is in sight that would settle it"
