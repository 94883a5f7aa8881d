"""The HTML account of a run or a study: one file, readable without script, printable."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.report.pages.comparison_page import write_comparison as write_comparison
    from elmyr.report.pages.repair_page import write_repair as write_repair
    from elmyr.report.pages.translation_page import write_translation as write_translation
    from elmyr.report.writing import check_page as check_page
    from elmyr.report.writing import write_report as write_report

__all__ = ["check_page", "write_comparison", "write_repair", "write_report", "write_translation"]

# At their first use: markup and words serve pages that must not wait for torch, nor a page for what another shows.
_HOMES = {
    "check_page": "elmyr.report.writing",
    "write_comparison": "elmyr.report.pages.comparison_page",
    "write_repair": "elmyr.report.pages.repair_page",
    "write_report": "elmyr.report.writing",
    "write_translation": "elmyr.report.pages.translation_page",
}
__getattr__ = lazily(__name__, _HOMES)
