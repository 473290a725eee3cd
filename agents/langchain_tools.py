"""The tools of `trajvlm.agents.tools` as LangChain tools, bound to one session, so that a model can't name another."""

import inspect
import json
from collections.abc import Callable, Iterable
from typing import get_type_hints

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from trajvlm.agents.session import Result, Session
from trajvlm.agents.tools import TOOLS
from trajvlm.data.errors import UserError


def bound_tools(session: Session, functions: Iterable[Callable[..., Result]] = TOOLS) -> list[BaseTool]:
    """One LangChain tool for each function.

    A tool's answer is `Result.whole`, then its values as JSON, with the `Result` as artifact; a UserError, and
    arguments that do not fit, become an answer of status "error" that says what is wrong.
    """
    return [_bound(function, session) for function in functions]


def _bound(function: Callable[..., Result], session: Session) -> BaseTool:
    def call(**arguments) -> tuple[str, Result]:
        try:
            with session.lock:
                result = function(session, **arguments)
        except UserError as error:
            raise ToolException(f"Error: {session.sentence(error)}") from error
        return f"{result.whole}\n{json.dumps(result.values)}", result

    return StructuredTool.from_function(
        call,
        name=function.__name__,
        description=inspect.getdoc(function),
        args_schema=arguments_of(function),
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_misfit,
    )


def arguments_of(function: Callable[..., Result]) -> type[BaseModel]:
    """The arguments of a tool except its session, with their types and descriptions."""
    hints = get_type_hints(function, include_extras=True)
    fields = {
        name: (hints[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in list(inspect.signature(function).parameters.items())[1:]
    }
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _misfit(error: ValidationError) -> str:
    parts = [f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg'].lower()}" for e in error.errors()]
    return f"Error: the arguments do not fit ({'; '.join(parts)}); call the tool again with other arguments"
