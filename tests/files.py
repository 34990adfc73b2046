"""Small files of the six types, and of others that must not pass for them."""

from __future__ import annotations

import io
import zipfile

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 20 + b"\xff\xd9"
TEXT = "Blåbær på ski.\r\nOg en linje til.".encode()


def archive(*parts: tuple[str, bytes], packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as made:
        for name, content in parts:
            made.writestr(name, content)
    return buffer.getvalue()


ODT = archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>"))
DOCX = archive(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"))
GOOD = {"pdf": PDF, "png": PNG, "jpeg": JPEG, "text": TEXT, "odt": ODT, "docx": DOCX}

BAD = {
    "nothing": (b"", "empty"),
    "a program": (b"MZ" + b"\x00" * 40, "unknown_type"),
    "a page": (b"<!DOCTYPE html><script>alert(1)</script>", "unknown_type"),
    "a page after spaces": (b"  \n <html>", "unknown_type"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_type"),
    "a picture that moves": (b"GIF89a" + b"\x00" * 20, "unknown_type"),
    "half a PDF": (b"%PDF-1.4\n", "unknown_type"),
    "a text that is none": (b"abc\x00def", "unknown_type"),
    "letters of another age": ("blåbær".encode("latin-1"), "unknown_type"),
    "an archive": (archive(("a.txt", b"a")), "unknown_type"),
    "half an archive": (DOCX[:60], "unknown_type"),
    # It may say that it is forty bytes long and be a thousand times as large as the file.
    "a document whose type is packed": (
        archive(("mimetype", b"application/vnd.oasis.opendocument.text"), packed=True),
        "unknown_type",
    ),
    "a spreadsheet": (archive(("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), "unknown_type"),
    "a template with macros": (
        archive(("[Content_Types].xml", b""), ("word/document.xml", b""), ("word/vbaProject.bin", b"x")),
        "has_macros",
    ),
    "a document with macros": (
        archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("Basic/script-lc.xml", b"")),
        "has_macros",
    ),
}
