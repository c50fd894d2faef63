"""policy check and policy explain, as a person at the gateway's host types them, beside a real database."""

from __future__ import annotations

from tests.support.host import POLICY, Host


def test_a_right_policy_is_said_to_be_right(host: Host) -> None:
    code, said = host.types("check")
    assert code == 0, said
    assert "is right: roles support, checked against shop" in said
    assert "note: shop: public.customers: 14 of 16 columns are not classified and show NULL: full_name, phone" in said


def test_what_no_role_can_see_and_what_is_classified_is_counted(host: Host) -> None:
    code, said = host.types("check")
    assert code == 0
    assert "note: shop: 4 relations that no role can see: public.customer_overview, public.support_tickets, " in said
    assert "note: shop: of the columns that roles read, 3 are clear, 1 masked, 14 not classified" in said
    _, answer = host.asks("check")
    assert "sales.orders" in answer["out_of_sight"][0]["relations"]


def test_a_schema_with_a_dot_in_its_name_is_found(odd_host: Host) -> None:
    text = (odd_host.home / "policy.toml").read_text()
    odd_host.write("policy.toml", text + '\'"odd.schema".t.x\' = "read"\n')
    code, said = odd_host.types("check")
    assert code == 0, said
    odd_host.write("policy.toml", text + '"odd.schema.t.x" = "read"\n')
    code, said = odd_host.types("check")
    assert code == 1
    assert 'no relation "odd.schema.t.x"' in said


def test_what_the_gateway_logs_does_not_mix_with_an_answer(host: Host) -> None:
    host.write("password", "s3cr3t but wrong")
    ran = host.runs("check", "--json")
    assert ran.code == 4
    assert ran.json()["targets"][0]["unreachable"]
    assert "warning: " in ran.err


def test_every_mistake_of_both_files_is_reported_at_once(host: Host) -> None:
    host.write("pgcurfew.toml", (host.home / "pgcurfew.toml").read_text() + "\n[limits]\nsesions = 5\n")
    host.write("policy.toml", POLICY.replace("public.customers", "public.custmers").replace("email =", "emial ="))
    (host.home / "mask.key").chmod(0o644)
    code, said = host.types("check")
    assert code == 1
    assert "limits.sesions: unknown key; did you mean sessions?" in said
    assert "masking.key" in said
    assert "chmod 600" in said
    # Settings with an unknown key say too little to ask the databases; the policy is still read.
    host.write("pgcurfew.toml", (host.home / "pgcurfew.toml").read_text().replace("sesions = 5", ""))
    code, said = host.types("check")
    assert code == 1
    assert "masking.key" in said
    assert f'{host.home / "policy.toml"}:9: roles.support.relations."public.custmers": no relation' in said
    assert 'did you mean "public.customers"?' in said
    assert "problems" in said


def test_a_policy_that_is_no_toml_is_reported_with_its_line(host: Host) -> None:
    host.write("policy.toml", POLICY.replace('max_duration = "2h"', "max_duration = 2h"))
    code, said = host.types("check", "--offline")
    assert code == 1
    assert "policy.toml:5: is not TOML" in said


def test_offline_asks_no_database_and_reads_no_key(host: Host) -> None:
    for name in ("key.pem", "mask.key", "password", "server.crt"):
        (host.home / name).unlink()
    host.write("policy.toml", POLICY.replace("public.customers", "public.custmers"))
    code, said = host.types("check", "--offline")
    assert code == 0, said
    assert "not checked against any database" in said


def test_a_target_that_the_settings_do_not_have(host: Host) -> None:
    host.write("policy.toml", POLICY.replace('["shop"]', '["shopp"]'))
    code, said = host.types("check", "--offline")
    assert code == 1
    assert 'policy.toml:2: roles.support.targets[0]: no target "shopp" in the settings; did you mean "shop"?' in said


def test_check_answers_programs(host: Host) -> None:
    code, answer = host.asks("check")
    assert code == 0
    assert answer["problems"] == []
    assert answer["targets"] == [{"target": "shop", "unreachable": None}]
    assert answer["coverage"][0]["clear"] == ["id"]
    host.write("policy.toml", POLICY.replace("email =", "emial ="))
    code, answer = host.asks("check")
    assert code == 1
    assert [(found["line"], found["path"]) for found in answer["problems"]] == [
        (14, 'classification."public.customers".emial')
    ]


def test_a_target_that_cannot_be_asked_is_neither_right_nor_wrong(host: Host) -> None:
    host.write("password", "s3cr3t but wrong")
    code, said = host.types("check")
    assert code == 4
    assert "not checked: target" in said
    assert "refused the gateway's own login" in said
    assert "s3cr3t" not in said


def test_another_policy_can_be_tried_before_it_is_put_in_place(host: Host) -> None:
    host.write("next.toml", POLICY.replace('"read"]', '"raed"]'))
    code, said = host.types("check", "--offline", "--policy", str(host.home / "next.toml"))
    assert code == 1
    assert "next.toml:6: roles.support.statements[0]" in said


def test_explain_shows_what_would_run_and_which_line_masks_what(host: Host) -> None:
    code, said = host.types("explain", "support", "SELECT id, email, phone FROM customers")
    assert code == 0, said
    assert "support may run this select on shop, rewritten." in said
    assert f"public.customers.email as partial: {host.home / 'policy.toml'}:14: " in said
    assert "public.customers.phone as null: nobody has classified it" in said
    assert "runs     SELECT" in said


def test_explain_says_which_rule_refuses_and_where(host: Host) -> None:
    code, said = host.types("explain", "support", "DELETE FROM customers")
    assert code == 1
    assert "support may not run this on shop: " in said
    assert "(SQLSTATE 42501)" in said
    code, said = host.types("explain", "support", "SELECT id\nFROM FROM customers")
    assert code == 1
    assert "LINE 2: FROM FROM customers" in said
    assert "(SQLSTATE 42601)" in said
    lines = said.splitlines()
    caret = next(index for index, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^") :].startswith("FROM customers")


def test_explain_hides_what_the_role_may_not_see(host: Host) -> None:
    code, said = host.types("explain", "support", "SELECT * FROM sales.orders")
    assert code == 1
    assert "42P01" in said


def test_explain_answers_programs(host: Host) -> None:
    code, answer = host.asks("explain", "support", "SELECT salary, id FROM staff; SELECT 1")
    assert code == 0
    assert not answer["refused"]
    masked = answer["statements"][0]["relations"][0]["masked"]
    assert {
        "column": "salary",
        "mask": "null",
        "why": f"{host.home / 'policy.toml'}:10: this role does not read it",
    } in (masked)
    assert answer["statements"][1]["kind"] == "select"
    code, answer = host.asks("explain", "support", "SELECT 1; DROP TABLE staff")
    assert code == 1
    assert answer["refused"]
    assert answer["statements"][-1]["sqlstate"] == "42501"
    assert answer["statements"][-1]["rule"]


def test_explain_wants_a_role_and_a_target_that_exist(host: Host) -> None:
    code, said = host.types("explain", "suport", "SELECT 1")
    assert code == 2
    assert "did you mean support?" in said
    code, said = host.types("explain", "support", "SELECT 1", "--target", "bench")
    assert code == 2
    assert "targets: shop" in said


def test_without_usable_settings_explain_says_why(host: Host) -> None:
    host.write("pgcurfew.toml", "[tls]\n")
    code, said = host.types("explain", "support", "SELECT 1")
    assert code == 2
    assert "tokens: is missing" in said
