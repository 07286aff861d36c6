"""Stand-in of Harbor, made from its documentation alone."""

from __future__ import annotations

import json

from airflow_provider_imports.sandbox.exchange import Answer, Received, json_answer
from airflow_provider_imports.sandbox.runs import Progress
from airflow_provider_imports.sandbox.vendor import Route, Vendor


class Harbor(Vendor):
    """Harbor. A list of the name ``broken`` makes its import fail."""

    name = "harbor"
    connection_password = "harbor-sandbox-key"
    routes = (
        Route("GET", "/v1/imports", "list_imports"),
        Route("POST", "/v1/imports", "load_list"),
        Route("GET", "/v1/imports/{id}", "get_import"),
        Route("DELETE", "/v1/imports/{id}", "cancel_import"),
    )

    def forget(self) -> None:
        self.imports: list[tuple[str, Progress]] = []

    def refuse(self, received: Received) -> Answer | None:
        good = received.headers.get("X-Api-Key") == self.connection_password
        return None if good else json_answer({"error": "unknown key"}, 401)

    async def list_imports(self, received: Received) -> Answer:
        return json_answer([])

    async def load_list(self, received: Received) -> Answer:
        name = json.loads(await received.read())["list"]
        self.imports.append((name, Progress(self.clock, self.pace.run_seconds)))
        number = len(self.imports)
        received.acted(str(number))
        return json_answer({"id": number}, 201)

    async def get_import(self, received: Received) -> Answer:
        name, run = self.imports[int(received.parameters["id"]) - 1]
        ended = "broken" if name == "broken" else "done"
        return json_answer({"state": ended if run.fraction >= 1 else "working", "loaded": run.of(100), "bad": 0})

    async def cancel_import(self, received: Received) -> Answer:
        self.imports[int(received.parameters["id"]) - 1][1].halt()
        received.acted(received.parameters["id"])
        return json_answer({})
