"""Stand-in of Harbor, made from its documentation alone."""

from __future__ import annotations

from aiohttp import web

from airflow_provider_imports.sandbox.journal import acted
from airflow_provider_imports.sandbox.progress import Progress
from airflow_provider_imports.sandbox.stand_in import StandIn, read_json_body


class Harbor(StandIn):
    """Harbor. A list of the name ``broken`` makes its import fail."""

    name = "harbor"
    connection_password = "harbor-sandbox-key"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/imports", self.list_imports),
            web.post("/v1/imports", self.load_list),
            web.get("/v1/imports/{id}", self.get_import),
            web.delete("/v1/imports/{id}", self.cancel_import),
        ]

    def forget(self) -> None:
        self.imports: list[tuple[str, Progress]] = []

    def refusal(self, request: web.Request) -> web.Response | None:
        good = request.headers.get("X-Api-Key") == self.connection_password
        return None if good else web.json_response({"error": "unknown key"}, status=401)

    async def list_imports(self, request: web.Request) -> web.Response:
        return web.json_response([])

    async def load_list(self, request: web.Request) -> web.Response:
        name = (await read_json_body(request))["list"]
        self.imports.append((name, Progress(self.clock, self.shared.run_seconds)))
        number = len(self.imports)
        acted(request, str(number))
        return web.json_response({"id": number}, status=201)

    async def get_import(self, request: web.Request) -> web.Response:
        name, run = self.imports[int(request.match_info["id"]) - 1]
        word = "canceled" if run.halted_at else "working"
        if run.fraction >= 1:
            word = "broken" if name == "broken" else "done"
        return web.json_response({"state": word, "loaded": run.of(100), "bad": 0})

    async def cancel_import(self, request: web.Request) -> web.Response:
        self.imports[int(request.match_info["id"]) - 1][1].halt()
        acted(request, request.match_info["id"])
        return web.json_response({})


class HarborInData(Harbor):
    """The same for the vendor that is described in data."""

    name = "harbor_in_data"
