"""Templates made once for each language: what they say is settled when they are compiled, not at every page.

A page says some hundred sentences and calls some hundred macros; looking them up took a third of its drawing.
"""

from __future__ import annotations

import html
from types import FunctionType, MethodType
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from web import language

_STRAIGHT = (Macro, FunctionType, MethodType)


def shown(value: Any) -> str:
    """Return a value as it stands in a page: escaped, unless it is markup already."""
    # What stands between a template's own texts is only joined with them: to make Markup of it first costs more than
    # the escaping.
    kind = type(value)
    if kind is str:
        return html.escape(value)
    return value if kind is Markup else escape(value)


class Straight(CodeGenerator):
    """Jinja's compiler, with the two things that a page does four hundred times written the short way."""

    def write_commons(self) -> None:
        """Write what each part of a template begins with."""
        super().write_commons()
        self.writeline("got, shown = environment.getattr, environment.shown")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """Write `x.name`."""
        self.write("got(")
        self.visit(node.node, frame)
        self.write(f", {node.attr!r})")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("shown(")


class Names(Context):
    """What a template can name. Calls straight away whatever doesn't want the context as an argument."""

    def call(__self, __obj: Any, *args: Any, **values: Any) -> Any:  # noqa: N805 – templates may pass `self` on
        if type(__obj) in _STRAIGHT and not hasattr(__obj, "jinja_pass_arg"):
            values.pop("_loop_vars", None)
            values.pop("_block_vars", None)
            return __obj(*args, **values)
        return super().call(__obj, *args, **values)


class Pages(Environment):
    """The templates, once for each language; asked for a page, it gives the one of the person who reads."""

    context_class = Names
    code_generator_class = Straight
    language = ""
    shown = staticmethod(shown)

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self._by_language: dict[str, Pages] = {}

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Template:  # noqa: A002
        """Return the template in the reader's language; what it extends or imports is then in the same one."""
        if self.language:
            return super().get_template(name, parent, globals)
        return self._in(language.current()).get_template(name, parent, globals)

    def _in(self, chosen: str) -> Pages:
        found = self._by_language.get(chosen)
        if found is None:
            found = self.overlay()
            found.language = chosen
            self._by_language[chosen] = found
        return found

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return `obj.attribute`; of a mapping its item, which is what templates mean by it."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        # Jinja's own seam between reading a template and compiling it.
        tree = super()._parse(source, name, filename)
        return _Settle(self.language).visit(tree) if self.language else tree


class _Settle(NodeTransformer):
    """Puts a sentence without values in the place of the call that would look it up."""

    def __init__(self, chosen: str) -> None:
        self._language = chosen

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.node.name != "_":
            return node
        if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        said = node.args[0]
        if not isinstance(said, nodes.Const) or "%(" in said.value:
            return node
        sentence = str(language.sentence(self._language, said.value))
        return nodes.MarkSafe(nodes.Const(sentence, lineno=node.lineno), lineno=node.lineno)
