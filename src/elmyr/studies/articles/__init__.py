"""The five articles' systems: each trained as written and cured, judged, and put to its uses."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.studies.articles.conduct import Articles as Articles
    from elmyr.studies.articles.conduct import articles as articles
    from elmyr.studies.articles.conduct import conduct as conduct
    from elmyr.studies.articles.conduct import resume_articles as resume_articles
    from elmyr.studies.articles.config import ArticlesAsk as ArticlesAsk

__all__ = ["Articles", "ArticlesAsk", "articles", "conduct", "resume_articles"]

# At their first use: what resumes a GAN must not wait for recognizers.
__getattr__ = lazily(
    __name__,
    {
        "Articles": "elmyr.studies.articles.conduct",
        "ArticlesAsk": "elmyr.studies.articles.config",
        "articles": "elmyr.studies.articles.conduct",
        "conduct": "elmyr.studies.articles.conduct",
        "resume_articles": "elmyr.studies.articles.conduct",
    },
)
