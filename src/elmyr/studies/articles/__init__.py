"""The five articles' systems: each trained as written and cured, judged, and put to its uses."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.studies.articles.config import ArticlesAsk as ArticlesAsk
    from elmyr.studies.articles.run import Articles as Articles
    from elmyr.studies.articles.run import articles as articles
    from elmyr.studies.articles.run import conduct as conduct
    from elmyr.studies.articles.run import resume_articles as resume_articles

__all__ = ["Articles", "ArticlesAsk", "articles", "conduct", "resume_articles"]

# At their first use: what resumes a GAN must not wait for recognizers.
__getattr__ = lazily(
    __name__,
    {
        "Articles": "elmyr.studies.articles.run",
        "ArticlesAsk": "elmyr.studies.articles.config",
        "articles": "elmyr.studies.articles.run",
        "conduct": "elmyr.studies.articles.run",
        "resume_articles": "elmyr.studies.articles.run",
    },
)
