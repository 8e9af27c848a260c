"""Webhooks on the page, for admins: added, read, sent again, removed."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from tests.service.desk import Desk
from unmask.service.store.tables import Delivery, Webhook


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_admin_adds_a_webhook_looks_at_its_messages_and_sends_them_again(
    desk: Desk, language: str
) -> None:
    admin = desk.browser(person="ada")
    admin.cookies.set("unmask_language", language)
    csrf = {"csrf": admin.headers.pop("X-CSRF-Token")}
    form = csrf | {"url": "https://hook.example/<b>", "events": ["check.done", "live.done"]}
    made = admin.post("/webhooks", data=form)
    assert made.status_code == 200
    assert re.search(r"whsec_[A-Za-z0-9+/=]{40,}", made.text)
    with desk.database.transaction() as session:
        row = session.scalars(select(Webhook)).one()
        message = {
            "tenant": row.tenant,
            "webhook": row.id,
            "event": "check.done",
            "payload": {},
            "attempts": 9,
        }
        session.add(Delivery(**message, state="failed", finished=2.0, answer="answered 500"))
        session.add(Delivery(**message))
    listed = admin.get("/webhooks").text
    assert "whsec_" not in listed
    assert "https://hook.example/&lt;b&gt;" in listed
    log = admin.get(f"/webhooks/{row.id}").text
    assert "answered 500" in log
    (again,) = re.findall(r'action="(/webhooks/[^"]*/deliveries/[^"]*/replays)"', log)
    assert admin.post(again, data=csrf, follow_redirects=False).status_code == 303
    assert admin.post(again, data=csrf).status_code == 409
    with desk.database.transaction() as session:
        assert set(session.scalars(select(Delivery.state))) == {"queued"}
        session.execute(update(Delivery).values(state="failed", finished=2.0))
    assert (
        admin.post(f"/webhooks/{row.id}/replays", data=csrf, follow_redirects=False).status_code
        == 303
    )
    assert (
        admin.post(f"/webhooks/{row.id}/remove", data=csrf, follow_redirects=False).status_code
        == 303
    )
    assert admin.get(f"/webhooks/{row.id}").status_code == 404


def test_what_leads_nowhere_is_not_added_and_what_was_typed_stays(desk: Desk) -> None:
    admin = desk.browser(person="ada")
    csrf = {"csrf": admin.headers.pop("X-CSRF-Token")}
    refused = admin.post(
        "/webhooks", data=csrf | {"url": "ftp://hook.example", "events": ["case.opened"]}
    )
    assert refused.status_code == 422
    assert 'value="ftp://hook.example"' in refused.text
    assert re.search(r'value="case.opened" checked', refused.text)
    assert admin.post("/webhooks", data=csrf | {"url": "https://hook.example"}).status_code == 422
    assert desk.browser(person="rob").get("/webhooks").status_code == 403
