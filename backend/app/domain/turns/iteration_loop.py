"""The iterations of a turn: VibeCoder writes a patch and the Evaluator reviews it, until one is approved."""

from dataclasses import replace

from backend.app.domain.blank_text import is_blank
from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import TurnAnswer
from backend.app.domain.ports import Offloader
from backend.app.domain.projects.code_change import CodeChange, describe_change, rebase_change
from backend.app.domain.projects.project import Project
from backend.app.domain.projects.source import InvalidSourceError
from backend.app.domain.projects.workflow.workflow import NO_WORKFLOW, node_source
from backend.app.domain.turns.agent_port import AgentTurn, Brief, Draft, Proposal
from backend.app.domain.turns.turn_recorder import TurnEventRecorder

_COMMIT_MESSAGE_CHARACTERS = 200
# Where the reviewer gives none.
_COMMIT_MESSAGE = "Change the workflow"
REJECTED = "The reviewer rejected your patch:"
_CODE_CHANGED = (
    "Another user changed the project's code in the same place while you worked. "
    "You now see the newer code: make the change again, on top of it."
)


async def rebase_answer(answer: TurnAnswer, newer: Project, offloader: Offloader) -> TurnAnswer | None:
    """Apply the answer's change to newer code. None where the two changes overlap, or their result does not parse."""
    if answer.new_code is None:
        return answer
    change = await offloader.run(rebase_change, answer.base_code, answer.new_code, newer.code)
    if change is None:
        return None
    rebased = replace(answer, base_version=newer.version, base_code=newer.code)
    if not change.patch:  # the newer code already has the same change
        return replace(rebased, new_code=None, patch=None, workflow=NO_WORKFLOW)
    return replace(rebased, new_code=change.code, patch=change.patch, workflow=change.workflow)


class IterationLoop:
    """Runs the agents for one message. It can be run again on newer code; the count of iterations then goes on."""

    def __init__(
        self,
        agents: AgentTurn,
        recorder: TurnEventRecorder,
        prompt: str,
        node_id: str | None,
        max_iterations: int,
        offloader: Offloader,
    ) -> None:
        self._agents = agents
        self._recorder = recorder
        self._prompt = prompt
        self._node_id = node_id
        self._max_iterations = max_iterations
        self._offloader = offloader
        self._feedback: str | None = None
        self._has_conflict = False
        self._reviews: list[str] = []
        self.iterations = 0

    def restart_on_newer_code(self) -> None:
        """Make the next iteration redo the approved patch, which conflicts with newer code."""
        self._feedback = _CODE_CHANGED
        self._has_conflict = True

    async def run(self, project: Project) -> TurnAnswer:
        """Return the answer, after at most as many iterations as are left.

        Raises TurnError: "not_approved" with the last review, "conflict", or the failure of a model.
        """
        while self.iterations < self._max_iterations:
            self.iterations += 1
            draft = await self._write(project)
            if draft.new_code is None:
                await self._recorder.record_iteration("vibecoder", self.iterations, draft.content)
                return TurnAnswer(draft.content, self.iterations, project.version, project.code)
            change = await self._offloader.run(describe_change, project.code, draft.new_code)
            await self._recorder.record_iteration("vibecoder", self.iterations, draft.content, patch=change.patch)
            answer = await self._review(project, draft, change)
            if answer is not None:
                return answer
        if self._has_conflict:
            detail = "The code was changed by another user while the agent worked on it. Send the message again."
            raise TurnError("conflict", detail, retryable=False)
        raise TurnError("not_approved", self._reviews[-1], retryable=False)

    async def _write(self, project: Project) -> Draft:
        return await self._agents.write(
            Brief(
                project_name=project.name,
                code=project.code,
                version=project.version,
                iteration=self.iterations,
                prompt=self._prompt,
                feedback=self._feedback,
                node_id=self._node_id,
                node_source=await self._node_source(project.code),
            )
        )

    async def _node_source(self, code: str) -> str | None:
        if self._node_id is None:
            return None
        try:
            return await self._offloader.run(node_source, code, self._node_id)
        except InvalidSourceError:
            return None  # stored under older rules: VibeCoder still sees all of the code

    async def _review(self, project: Project, draft: Draft, change: CodeChange) -> TurnAnswer | None:
        review = await self._agents.review(
            Proposal(
                prompt=self._prompt,
                code=project.code,
                new_code=change.code,
                patch=change.patch,
                iteration=self.iterations,
                earlier_reviews=tuple(self._reviews),
            )
        )
        await self._recorder.record_iteration("evaluator", self.iterations, review.reasoning, approved=review.approved)
        if review.approved:
            commit_message = _COMMIT_MESSAGE if is_blank(review.commit_message) else review.commit_message.strip()
            return TurnAnswer(
                content=commit_message if is_blank(draft.content) else draft.content,
                iterations=self.iterations,
                base_version=project.version,
                base_code=project.code,
                new_code=change.code,
                patch=change.patch,
                workflow=change.workflow,
                commit_message=commit_message[:_COMMIT_MESSAGE_CHARACTERS],
            )
        self._reviews.append(review.reasoning)
        self._feedback = f"{REJECTED} {review.reasoning}"
        self._has_conflict = False
        return None
