"""An agent of the Agents SDK that patches a file, as VibeCoder does."""

from __future__ import annotations

from agents import Agent, FunctionTool, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, function_tool
from agents.apply_diff import apply_diff
from openai import AsyncOpenAI

from backend.local.demo_model.response import Json


class Workflow:
    """A workflow file with a tool that patches it, as VibeCoder has."""

    def __init__(self, code: str) -> None:
        self.base = self.code = code

    def tool(self) -> FunctionTool:
        def submit_patch(diff: str) -> str:
            """Submit a patch."""
            try:
                self.code = apply_diff(self.base, diff)
            except ValueError as error:
                return f"Refused: {error}"
            return "Accepted."

        return function_tool(submit_patch)


def coder(client: AsyncOpenAI, workflow: Workflow) -> Agent[None]:
    model = OpenAIResponsesModel(model="gpt-test", openai_client=client)
    settings = ModelSettings(store=False)
    return Agent("VibeCoder", instructions="Patch.", tools=[workflow.tool()], model=model, model_settings=settings)


async def run(agent: Agent[None], items: list[Json]) -> tuple[str, list[Json]]:
    """Run an agent as a stream. Returns its last answer and the complete conversation."""
    result = Runner.run_streamed(agent, items, run_config=RunConfig(tracing_disabled=True))  # type: ignore[arg-type]
    async for _ in result.stream_events():
        pass
    return str(result.final_output), [dict(item) for item in result.to_input_list()]
