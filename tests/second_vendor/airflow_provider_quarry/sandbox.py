"""Stand-in of Quarry: OAuth2, numbers for states, a ``Location`` in place of an id, errors in pages."""

from __future__ import annotations

from aiohttp import web

from airflow_provider_imports.sandbox.journal import acted
from airflow_provider_imports.sandbox.progress import Progress
from airflow_provider_imports.sandbox.stand_in import StandIn, basic_credentials


class Quarry(StandIn):
    """Quarry. A pit of the name ``gravel`` has two stones that are rubble, one on each page."""

    name = "quarry"
    connection_login = "quarry-sandbox-client"
    connection_password = "quarry-sandbox-secret"
    token = "quarry-sandbox-token-of-an-hour"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/oauth2/token", self.get_token),
            web.get("/digs", self.digs_of_all),
            web.post("/pits/{pit}/digs", self.dig),
            web.get("/digs/{dig}", self.show),
            web.get("/digs/{dig}/errors", self.errors),
            web.post("/digs/{dig}/stop", self.stop),
        ]

    def forget(self) -> None:
        self.digs: list[tuple[str, Progress]] = []

    def refusal(self, request: web.Request) -> web.Response | None:
        if request.path.endswith("/oauth2/token"):
            good = basic_credentials(request) == (self.connection_login, self.connection_password)
        else:
            good = request.headers.get("Authorization") == f"Bearer {self.token}"
        return None if good else web.json_response({"error": "invalid_client"}, status=401)

    async def get_token(self, request: web.Request) -> web.Response:
        return web.json_response({"access_token": self.token, "token_type": "Bearer", "expires_in": 3600})

    async def digs_of_all(self, request: web.Request) -> web.Response:
        return web.json_response({"items": []})

    async def dig(self, request: web.Request) -> web.Response:
        self.digs.append((request.match_info["pit"], Progress(self.clock, self.shared.run_seconds)))
        number = str(len(self.digs))
        acted(request, number)
        return web.Response(status=202, headers={"Location": f"/quarry/digs/{number}", "Retry-After": "1"})

    async def show(self, request: web.Request) -> web.Response:
        pit, run = self._dig(request)
        state = 2 if run.fraction >= 1 else 4 if run.halted_at else 1
        rubble = 2 if pit == "gravel" else 0
        answer = web.json_response({"state": state, "stones": run.of(100), "rubble": rubble})
        answer.headers["Retry-After"] = "1"
        return answer

    async def errors(self, request: web.Request) -> web.Response:
        pages = {"": {"items": ["stone 7: cracked"], "next": "p2"}, "p2": {"items": ["stone 9: wet"], "next": None}}
        return web.json_response(pages[request.query.get("after", "")])

    async def stop(self, request: web.Request) -> web.Response:
        self._dig(request)[1].halt()
        acted(request, request.match_info["dig"])
        return web.Response(status=204)

    def _dig(self, request: web.Request) -> tuple[str, Progress]:
        return self.digs[int(request.match_info["dig"]) - 1]
