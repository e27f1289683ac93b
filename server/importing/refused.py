"""What a person is told of a file that is not read."""

from __future__ import annotations

from server.errors import Refusal, Text
from server.importing.table import MOST_BYTES, MOST_ROWS, FileRefused, Unreadable

_MEGABYTES = MOST_BYTES >> 20
_WORDS: dict[Unreadable, tuple[str, str]] = {
    Unreadable.EMPTY: ("文件是空的。", "The file is empty."),
    Unreadable.NO_TABLE: (
        "这不是表格文件。请选择 Excel（.xlsx）或 CSV 文件。",
        "This is no table. Choose an Excel workbook (.xlsx) or a CSV file.",
    ),
    Unreadable.OLD_EXCEL: (
        "这是旧格式（.xls）或加了密码的 Excel 文件。请在 Excel 中另存为不带密码的 .xlsx。",
        "This is an old Excel file (.xls) or one with a password. Save it in Excel as .xlsx, "
        "without a password.",
    ),
    Unreadable.DAMAGED: (
        "文件已损坏，无法读取。请在 Excel 中打开并另存，再试一次。",
        "The file is damaged and cannot be read. Open it in Excel, save it anew, and try again.",
    ),
    Unreadable.HOSTILE: (
        "文件中有普通 Excel 文件不会有的内容（实体定义），已拒绝读取。",
        "The file has in it what no Excel workbook has (entities), and is not read.",
    ),
    Unreadable.SWOLLEN: (
        "文件解开后过大。请把内容复制到模板中，再试一次。",
        "Unpacked, the file is too large. Copy what is in it into the template and try again.",
    ),
    Unreadable.NO_HEADINGS: (
        "没有找到标题行。前 10 行中须有一行写着“学校”等标题，见模板。",
        "No headings were found. One of the first 10 rows must have headings such as “School”; see "
        "the template.",
    ),
    Unreadable.HEADING_TWICE: (
        "标题“{detail}”所指的列出现了两次。请只保留一列。",
        "The column of the heading “{detail}” is there twice. Keep one of them.",
    ),
    Unreadable.TOO_MANY_ROWS: (
        f"行数过多：一次最多 {MOST_ROWS} 行。请分成几个文件导入。",
        f"There are too many rows: at most {MOST_ROWS:,} at once. Split the file and import the "
        "pieces.",
    ),
}


def refusal_of(refused: FileRefused) -> Refusal:
    """The refusal that tells it."""
    zh, en = _WORDS[refused.why]
    detail = refused.detail[:60]
    return Refusal(
        422, refused.why.value, Text(zh.replace("{detail}", detail), en.replace("{detail}", detail))
    )


def too_large() -> Refusal:
    """The refusal of more bytes than are looked at."""
    return Refusal(
        413,
        "file-too-large",
        Text(
            f"文件过大：最多 {_MEGABYTES} MB。请分成几个文件导入。",
            f"The file is too large: at most {_MEGABYTES} MB. Split it and import the pieces.",
        ),
    )


def no_answer() -> Refusal:
    """The refusal of what the reading process did not survive."""
    return Refusal(
        422,
        Unreadable.SWOLLEN.value,
        Text(
            "读取这个文件用的时间或内存太多，已放弃。请把内容复制到模板中，再试一次。",
            "Reading this file took too much time or memory and was given up. Copy what is in it "
            "into the template and try again.",
        ),
    )


def too_busy() -> Refusal:
    """The refusal while the machine leaves the reading process no time: the file may be good."""
    return Refusal(
        503,
        "import-busy",
        Text(
            "服务器正忙，没有按时读完这个文件。请稍后再试。",
            "The server is busy and has not read the file in time. Try again later.",
        ),
        retry_after_s=30.0,
    )


def has_faults() -> Refusal:
    """The refusal to carry out a plan with faults."""
    return Refusal(
        422,
        "rows-wrong",
        Text(
            "有的行还有错误，什么都没有导入。请在文件中改正，再选择一次。",
            "Some rows are wrong, and nothing was imported. Correct the file and choose it again.",
        ),
    )


def another_plan() -> Refusal:
    """The refusal to carry out what nobody has agreed to."""
    return Refusal(
        409,
        "plan-changed",
        Text(
            "预览之后数据有了变化，什么都没有导入。请看过新的预览再确认。",
            "Something has changed since you looked, and nothing was imported. Look again, then "
            "confirm.",
        ),
    )
