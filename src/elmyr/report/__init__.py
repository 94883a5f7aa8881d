"""The HTML account of a run or a study: one file, readable without script, printable."""

from typing import TYPE_CHECKING

from elmyr.lazy import lazily

if TYPE_CHECKING:
    from elmyr.report.writing import check_page as check_page
    from elmyr.report.writing import write_comparison as write_comparison
    from elmyr.report.writing import write_repair as write_repair
    from elmyr.report.writing import write_report as write_report
    from elmyr.report.writing import write_translation as write_translation

__all__ = ["check_page", "write_comparison", "write_repair", "write_report", "write_translation"]

# At their first use: the markup and the words serve pages that must not wait for torch.
__getattr__ = lazily(__name__, dict.fromkeys(__all__, "elmyr.report.writing"))
