"""R-API-9: a request that its sender named is carried out once."""

from __future__ import annotations

import asyncio

import pytest

from sr_core.ports.errors import Unavailable

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "order-7"}


async def send(api, body, *, by="human", path="loops", headers=KEY):
    return await api.post(path, body, by=by, headers=headers)


class TestARepeatedRequest:
    async def test_has_the_first_answer_byte_for_byte(self, api, loop_body):
        first = await send(api, loop_body)
        again = await send(api, loop_body)

        assert first.status_code == again.status_code == 201
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
        assert len(await api.events()) == 1

    async def test_without_a_key_is_another(self, api, loop_body):
        await send(api, loop_body, headers={})
        await send(api, loop_body, headers={})

        assert len(await api.events()) == 2

    async def test_with_another_body_is_refused(self, api, loop_body):
        await send(api, loop_body)

        answer = await send(api, {**loop_body, "goal": "another"})

        assert answer.status_code == 422
        assert answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
        assert len(await api.events()) == 1

    async def test_of_another_actor_is_another(self, api, loop_body):
        first = await send(api, loop_body)
        other = await send(api, loop_body, by="system")

        assert other.status_code == 201
        assert other.json()["loop_id"] != first.json()["loop_id"]

    async def test_about_another_subject_is_refused(self, api):
        one, two = await api.a_loop(), await api.a_loop()
        await send(api, None, path=f"loops/{one}/pause")

        answer = await send(api, None, path=f"loops/{two}/pause")

        assert answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED"

    async def test_at_another_route_is_another(self, api):
        loop_id = await api.a_loop()

        paused = await send(api, None, path=f"loops/{loop_id}/pause")
        closed = await send(api, None, path=f"loops/{loop_id}/close")

        assert (paused.status_code, closed.status_code) == (200, 200)

    async def test_cannot_be_read_by_whom_the_route_is_closed_to(self, api):
        loop_id = await api.a_loop()
        await send(api, None, path=f"loops/{loop_id}/pause")

        answer = await send(api, None, path=f"loops/{loop_id}/pause", by="agent")

        assert answer.status_code == 403

    async def test_fifty_at_once_have_one_effect(self, api, loop_body):
        answers = await asyncio.gather(*(send(api, loop_body) for _ in range(50)))

        assert len(await api.events()) == 1
        done = {each.content for each in answers if each.status_code == 201}
        waiting = {each.status_code for each in answers if each.status_code != 201}
        assert len(done) == 1
        assert waiting <= {409}


class TestAKey:
    @pytest.mark.parametrize("key", ["", "a b", "a" * 256, "ключ".encode()])
    async def test_has_its_form(self, api, loop_body, key):
        answer = await send(api, loop_body, headers={"Idempotency-Key": key})

        assert answer.status_code == 400
        assert await api.events() == []

    async def test_may_be_long(self, api, loop_body):
        answer = await send(api, loop_body, headers={"Idempotency-Key": "a" * 255})

        assert answer.status_code == 201


class TestWhatIsNotKept:
    async def test_a_refusal_is_judged_anew(self, api):
        loop_id = await api.a_loop()
        path = f"loops/{loop_id}/resume"
        refused = await send(api, {}, path=path)
        await api.done(f"loops/{loop_id}/pause")

        answer = await send(api, {}, path=path)

        assert refused.status_code == 422
        assert answer.status_code == 200

    async def test_malformed_input_is_read_anew(self, api, loop_body):
        await send(api, {})

        assert (await send(api, loop_body)).status_code == 201

    async def test_what_never_reached_the_log_is_done(
        self, api, loop_body, monkeypatch
    ):
        with monkeypatch.context() as patch:
            patch.setattr(api.stage.log, "append", gone)
            assert (await send(api, loop_body)).status_code == 503

        assert (await send(api, loop_body)).status_code == 201
        assert len(await api.events()) == 1


class TestALostAnswer:
    """What was recorded is not done twice, whatever became of its answer."""

    async def test_after_a_commit_whose_answer_was_lost(
        self, api, loop_body, monkeypatch
    ):
        append = api.stage.log.append

        async def cut(batch):
            await append(batch)
            await gone()

        with monkeypatch.context() as patch:
            patch.setattr(api.stage.log, "append", cut)
            assert (await send(api, loop_body)).status_code == 503

        answer = await send(api, loop_body)

        (event,) = await api.events()
        assert answer.status_code == 409
        assert answer.json()["code"] == "IDEMPOTENCY_KEY_IN_PROGRESS"
        assert event.event_id in answer.json()["detail"]

    async def test_where_the_answer_cannot_be_kept_it_is_not_given(
        self, api, loop_body, monkeypatch
    ):
        with monkeypatch.context() as patch:
            patch.setattr(api.stage.log, "answered", gone)
            answer = await send(api, loop_body)

        assert answer.status_code == 503
        assert (await send(api, loop_body)).status_code == 409
        assert len(await api.events()) == 1


async def gone(*_: object) -> None:
    raise Unavailable(system="Postgres", deadline_s=1)
