"""What a file is, by its content: what it is called, and what the browser says of it, is anybody's word."""

from __future__ import annotations

import io
import zipfile

from bti.errors import Invalid

# Every type there is, with how it is served and how its name ends.
TYPES = {
    "pdf": ("application/pdf", ".pdf"),
    "png": ("image/png", ".png"),
    "jpeg": ("image/jpeg", ".jpg"),
    "text": ("text/plain; charset=utf-8", ".txt"),
    "odt": ("application/vnd.oasis.opendocument.text", ".odt"),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
}
_ENDINGS = {"jpeg": (".jpg", ".jpeg")}
_ODT = b"application/vnd.oasis.opendocument.text"
# Where either kind of document keeps programs that run when it is opened.
_MACROS = ("vbaproject.bin", "basic/", "scripts/")


def type_of(content: bytes) -> str:
    """Return which of `TYPES` the content is.

    Raises Invalid (attachment: `empty`, `unknown_type`, `has_macros`).
    """
    if not content:
        raise Invalid(attachment="empty")
    if content.startswith(b"%PDF-"):
        return _whole_pdf(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"PK\x03\x04"):
        return _document(content)
    if _is_text(content):
        return "text"
    raise Invalid(attachment="unknown_type")


def file_name(name: str, type_: str) -> str:
    """Return a name whose ending says what the file is, whatever it was called."""
    ending = TYPES[type_][1]
    bare = name.replace("\\", "/").rpartition("/")[2].strip()
    if bare.lower().endswith(_ENDINGS.get(type_, (ending,))):
        return bare
    return f"{bare or 'fil'}{ending}"


def _whole_pdf(content: bytes) -> str:
    if b"%%EOF" not in content[-2048:]:
        raise Invalid(attachment="unknown_type")
    return "pdf"


def _document(content: bytes) -> str:
    """Only the list of what is in it is read, and the few bytes that name its type: nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name.lower() for name in archive.namelist()]
            is_odt = _names_odt(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise Invalid(attachment="unknown_type") from None
    is_docx = "[content_types].xml" in names and "word/document.xml" in names
    if not is_odt and not is_docx:
        raise Invalid(attachment="unknown_type")
    if any(name.startswith(_MACROS) or name.endswith(_MACROS[0]) for name in names):
        raise Invalid(attachment="has_macros")
    return "odt" if is_odt else "docx"


def _names_odt(archive: zipfile.ZipFile) -> bool:
    """Source: OpenDocument 1.3, part 2, 3.3: the type stands first, and not packed. What is packed may say that it is
    short and grow without end."""
    first = next(iter(archive.infolist()), None)
    if first is None or first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED:
        return False
    with archive.open(first) as said:
        return said.read(len(_ODT) + 1) == _ODT


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    # What a browser might take for a page is none of the six.
    start = text.lstrip()[:64].lower()
    return not start.startswith(("<!doctype", "<html", "<svg", "<?xml", "<script")) and not any(
        sign < " " and sign not in "\n\r\t\f" for sign in text
    )
