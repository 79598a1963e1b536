"""RAM's policy language, evaluated without any cloud: elements, wildcards, conditions, and who wins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ram.conditions import OPERATORS, holds
from emulator.ram.documents import CONDITION_KEYS, check_policy
from emulator.ram.evaluate import decide, parse
from emulator.ram.patterns import any_of, matches
from emulator.ram.policies import SYSTEM_POLICIES
from emulator.refusal import Refusal
from emulator.rights import Right

ACCOUNT = "1234567890123456"
GET = Right("oss:GetObject", f"acs:oss:*:{ACCOUNT}:photos/a/b.jpg")


def policy(*statements: dict[str, Any]) -> str:
    """A document that RAM takes; a statement without an effect allows, one without a resource means all."""
    filled = [{"Effect": "Allow", **({} if "NotResource" in s else {"Resource": "*"}), **s} for s in statements]
    return check_policy(json.dumps({"Version": "1", "Statement": filled}))


def said(*statements: dict[str, Any], right: Right = GET, facts: dict[str, str] | None = None) -> str:
    """What a policy of these statements says of a right."""
    return decide(parse(policy(*statements)), right, facts or {})


ALLOW_ALL = {"Action": "*"}
DENY_GET = {"Effect": "Deny", "Action": "oss:GetObject"}


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([{"Action": "oss:GetObject"}], "Allow"),
        ([{"Action": ["oss:PutObject", "oss:GetObject"]}], "Allow"),
        ([{"Action": "oss:Get*"}], "Allow"),
        ([{"Action": "oss:GetObjec?"}], "Allow"),
        ([{"Action": "oss:GetObject?"}], "ImplicitDeny"),
        ([{"Action": "oss:getobject"}], "ImplicitDeny"),
        ([{"Action": "oss:PutObject"}], "ImplicitDeny"),
        ([{"Action": "oss:Get"}], "ImplicitDeny"),
        ([{"NotAction": "oss:PutObject"}], "Allow"),
        ([{"NotAction": ["oss:Get*"]}], "ImplicitDeny"),
        ([{"Action": "*", "Resource": "acs:oss:*:*:photos/*"}], "Allow"),
        ([{"Action": "*", "Resource": "acs:oss:*:*:photos"}], "ImplicitDeny"),
        ([{"Action": "*", "Resource": ["acs:oss:*:*:other/*", GET.resource]}], "Allow"),
        ([{"Action": "*", "Resource": "acs:oss:*:*:photos.a/b.jpg"}], "ImplicitDeny"),
        ([{"Action": "*", "NotResource": "acs:oss:*:*:photos/private/*"}], "Allow"),
        ([{"Action": "*", "NotResource": "acs:oss:*:*:photos/*"}], "ImplicitDeny"),
        ([ALLOW_ALL, DENY_GET], "ExplicitDeny"),
        ([DENY_GET, ALLOW_ALL], "ExplicitDeny"),
        ([ALLOW_ALL, {**DENY_GET, "Resource": "acs:oss:*:*:other/*"}], "Allow"),
        ([{**DENY_GET, "Condition": {"Bool": {"acs:SecureTransport": "false"}}}, ALLOW_ALL], "Allow"),
    ],
)
def test_statements_decide(statements: list[dict[str, Any]], decision: str) -> None:
    """Everything is denied unless allowed, and a denial wins wherever it stands."""
    assert decision == said(*statements)


# Operator, values of the policy, what the request says, whether it holds.
CONDITIONS: list[tuple[str, Any, str, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", ["b", "a"], "a", True),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "A", "a", False),
    ("StringNotEquals", ["b", "c"], "a", True),
    ("StringNotEquals", ["b", "a"], "a", False),
    ("StringEqualsIgnoreCase", "A", "a", True),
    ("StringNotEqualsIgnoreCase", "A", "a", False),
    ("StringLike", "hangzhou/2015/*", "hangzhou/2015/x/y", True),
    ("StringLike", ["", "a?"], "", True),
    ("StringLike", "a?", "a", False),
    ("StringNotLike", "hangzhou/*", "beijing/1", True),
    ("StringNotLike", "hangzhou/*", "hangzhou/1", False),
    ("NumericEquals", 10, "10.0", True),
    ("NumericNotEquals", "10", "11", True),
    ("NumericLessThan", "10", "9.5", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericGreaterThan", "10", "11", True),
    ("NumericGreaterThanEquals", "10", "9", False),
    ("NumericEquals", "10", "many", False),
    ("DateEquals", "2026-11-22T08:00:00+08:00", "2026-11-22T00:00:00+00:00", True),
    ("DateNotEquals", "2026-11-22T08:00:00Z", "2026-11-22T00:00:00+00:00", True),
    ("DateLessThan", "2026-11-22T08:00:00Z", "2026-11-22T07:59:59+00:00", True),
    ("DateLessThanEquals", "2026-11-22T08:00:00Z", "2026-11-22T08:00:01+00:00", False),
    ("DateGreaterThan", "2026-11-22T08:00:00Z", "2026-11-22T08:00:01+00:00", True),
    ("DateGreaterThanEquals", "2026-11-22T08:00:00Z", "2026-11-22T08:00:00+00:00", True),
    ("Bool", "true", "true", True),
    ("Bool", False, "true", False),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
    ("IpAddress", ["192.168.0.1", "127.0.0.1"], "127.0.0.1", True),
    ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
    ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
    ("IpAddress", "10.0.0.0/8", "", False),
    ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
    ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", False),
]


@pytest.mark.parametrize(("operator", "stated", "given_", "expected"), CONDITIONS)
def test_an_operator_compares(operator: str, stated: Any, given_: str, *, expected: bool) -> None:
    """In the type it is for; what is not of that type does not match."""
    assert expected is holds({operator: {"acs:Key": stated}}, {"acs:key": given_})


def test_every_operator_is_compared() -> None:
    """The table above leaves none out."""
    assert OPERATORS.keys() == {operator for operator, *_ in CONDITIONS}


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_key_that_the_request_lacks(operator: str) -> None:
    """It fails what affirms and passes what negates."""
    stated = next(stated for name, stated, *_ in CONDITIONS if name == operator)
    assert ("Not" in operator) is holds({operator: {"acs:Key": stated}}, {})


def test_all_operators_and_keys_have_to_hold() -> None:
    """One that does not is enough to fail; a fact with several values needs one that matches."""
    both = {"StringEquals": {"a": "1", "b": "2"}, "StringLike": {"c": "x*"}}
    assert holds(both, {"a": "1", "b": "2", "c": "xy"})
    assert not holds(both, {"a": "1", "b": "3", "c": "xy"})
    assert not holds(both, {"a": "1", "b": "2", "c": "y"})
    assert holds({"StringEquals": {"oidc:aud": "b"}}, {"oidc:aud": ["a", "b"]})
    assert holds(None, {})


def test_a_policy_takes_every_key_that_the_emulator_knows() -> None:
    """And is then evaluated with it."""
    for key in CONDITION_KEYS:
        statement = {"Action": "*", "Condition": {"StringEquals": {key: "x"}}}
        assert ("Allow", "ImplicitDeny") == (
            said(statement, facts={key.lower(): "x"}),
            said(statement, facts={key.lower(): "y"}),
        )


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"StringMatches": {"acs:SourceIp": "x"}}, "MalformedPolicyDocument"),
        ({"IpAddress": {"acs:SourceIp": "10.0.0.0/99"}}, "MalformedPolicyDocument"),
        ({"NumericEquals": {"acs:SourceIp": "ten"}}, "MalformedPolicyDocument"),
        ({"NumericEquals": {"acs:SourceIp": "NaN"}}, "MalformedPolicyDocument"),
        ({"DateLessThan": {"acs:CurrentTime": "tomorrow"}}, "MalformedPolicyDocument"),
        ({"DateLessThan": {"acs:CurrentTime": "2026-11-22T08:00:00"}}, "MalformedPolicyDocument"),
        ({"Bool": {"acs:SecureTransport": "perhaps"}}, "MalformedPolicyDocument"),
        ({"Bool": {"acs:SecureTransport": []}}, "MalformedPolicyDocument"),
        ({"Bool": {"acs:SecureTransport": [{}]}}, "MalformedPolicyDocument"),
        ({"Bool": {}}, "MalformedPolicyDocument"),
        ({"Bool": "true"}, "MalformedPolicyDocument"),
        (["Bool"], "MalformedPolicyDocument"),
        ({"Bool": {"acs:MFAPresent": "true"}}, "NotImplemented.Emulator"),
        ({"StringEquals": {"acs:ResourceTag/team": "dev"}}, "NotImplemented.Emulator"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_refused_when_the_policy_is_put(condition: Any, code: str) -> None:
    """Loudly: it would never hold, and nobody would know why."""
    with pytest.raises(Refusal) as caught:
        policy({"Action": "*", "Condition": condition})
    assert code == caught.value.code


@pytest.mark.parametrize("name", sorted(SYSTEM_POLICIES))
def test_a_system_policy_is_a_true_document(name: str) -> None:
    """What the cloud's own policies say is checked and parsed like any other."""
    assert parse(check_policy(SYSTEM_POLICIES[name].document))


@pytest.mark.parametrize(
    ("name", "action", "decision"),
    [
        ("AdministratorAccess", "imm:CreateBinding", "Allow"),
        ("ReadOnlyAccess", "oss:GetObject", "Allow"),
        ("ReadOnlyAccess", "oss:PutObject", "ImplicitDeny"),
        ("AliyunOSSFullAccess", "oss:PutObject", "Allow"),
        ("AliyunOSSFullAccess", "imm:CreateBinding", "ImplicitDeny"),
        ("AliyunIMMFullAccess", "imm:CreateBinding", "Allow"),
        ("AliyunIMMReadOnlyAccess", "imm:CreateBinding", "ImplicitDeny"),
        ("AliyunIMMReadOnlyAccess", "imm:SimpleQuery", "Allow"),
        ("AliyunMNSFullAccess", "mns:ReceiveMessage", "Allow"),
        ("AliyunMNSReadOnlyAccess", "mns:ReceiveMessage", "ImplicitDeny"),
        ("AliyunRAMFullAccess", "ram:CreateUser", "Allow"),
        ("AliyunRAMReadOnlyAccess", "ram:CreateUser", "ImplicitDeny"),
        ("AliyunSTSAssumeRoleAccess", "sts:AssumeRole", "Allow"),
        ("AliyunSTSAssumeRoleAccess", "ram:GetRole", "ImplicitDeny"),
    ],
)
def test_system_policies_allow_what_they_are_named_after(name: str, action: str, decision: str) -> None:
    """And nothing else."""
    assert decision == decide(parse(SYSTEM_POLICIES[name].document), Right(action, "acs:x:*:1:y"), {})


# Laws.

TEXTS = st.text(alphabet="ab:/*?.", max_size=12)


def slow_match(pattern: str, text: str) -> bool:
    """Wildcards by their definition."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_match(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and slow_match(pattern[1:], text[1:])


@given(TEXTS, TEXTS)
def test_wildcards_match_what_their_definition_says(pattern: str, text: str) -> None:
    """Signs of regular expressions mean themselves."""
    assert slow_match(pattern, text) is matches(pattern, text)


@given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS)
def test_several_patterns_match_what_any_of_them_does(patterns: list[str], text: str) -> None:
    """Joined into one expression."""
    assert any(slow_match(pattern, text) for pattern in patterns) is (any_of(patterns).fullmatch(text) is not None)


STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.lists(
            st.sampled_from(["*", "oss:*", "oss:Get*", "oss:GetObject", "imm:*"]), min_size=1, max_size=2
        ),
        "Resource": st.sampled_from(["*", GET.resource, "acs:oss:*:*:photos/*", "acs:imm:*:*:*"]),
    }
)


@given(st.lists(STATEMENTS, min_size=1, max_size=6), st.randoms())
def test_the_order_of_statements_means_nothing(statements: list[dict[str, Any]], random: Any) -> None:
    """Neither does saying one twice."""
    shuffled = [*statements, random.choice(statements)]
    random.shuffle(shuffled)
    assert said(*statements) == said(*shuffled)


@given(st.lists(STATEMENTS, min_size=1, max_size=6), STATEMENTS)
def test_a_denial_never_gives_anything(statements: list[dict[str, Any]], another: dict[str, Any]) -> None:
    """Nor does an allowance take anything away."""
    before = said(*statements)
    with_denial, with_allowance = (said(*statements, {**another, "Effect": effect}) for effect in ("Deny", "Allow"))
    assert with_denial in {before, "ExplicitDeny"}
    assert with_allowance in {before, "Allow"} if before != "ExplicitDeny" else with_allowance == before
