"""Keys and values of the front matter of model cards, for pytorch.org/hub and Hugging Face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hubkit.facts import Card

Site = Literal["pytorch-hub", "huggingface", ""]

# pytorch/hub: docs/template.md and scripts/sanity_check.py there.
HUB_FIXED = {
    "layout": "hub_detail",
    "background-class": "hub-background",
    "body-class": "hub",
}
HUB_REQUIRED = ("category", "title", "summary", "image", "author", "tags", "github-link")
HUB_OPTIONAL = (
    "github-id",
    "featured_image_1",
    "featured_image_2",
    "accelerator",
    "order",
    "demo-model-link",
)
HUB_CATEGORIES = ("researchers", "developers")
HUB_TAGS = ("vision", "nlp", "generative", "audio", "scriptable", "text")
HUB_ACCELERATORS = ("cuda", "cuda-optional")
# Jekyll cannot build a page with a colon in these.
HUB_WITHOUT_COLON = ("title", "summary", "author")

# Hugging Face: huggingface.co/docs/hub/model-cards and the metadata specification it links to.
_HF_KEYS_TEXT = """
license license_name license_link language library_name pipeline_tag tags datasets metrics
base_model base_model_relation model-index new_version co2_eq_emissions thumbnail widget
inference extra_gated_prompt extra_gated_fields extra_gated_heading extra_gated_description
extra_gated_button_content extra_gated_eu_disallowed arxiv model_name mask_token quantized_by
"""
HF_KEYS = tuple(_HF_KEYS_TEXT.split())
# One of these means that the front matter is for Hugging Face and not for a site generator.
_HF_SIGNS_TEXT = """
license library_name pipeline_tag base_model model-index datasets metrics widget
"""
HF_SIGNS = frozenset(_HF_SIGNS_TEXT.split())
HF_SCALARS = ("library_name", "pipeline_tag", "license_name", "license_link", "new_version")
_HF_LICENSES_TEXT = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl
ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0
odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2
llama3.3 llama4 grok2-community gemma unknown other
"""
HF_LICENSES = frozenset(_HF_LICENSES_TEXT.split())
_HF_PIPELINES_TEXT = """
text-classification token-classification table-question-answering question-answering
zero-shot-classification translation summarization feature-extraction text-generation fill-mask
sentence-similarity text-to-speech text-to-audio automatic-speech-recognition audio-to-audio
audio-classification audio-text-to-text voice-activity-detection depth-estimation
image-classification object-detection image-segmentation text-to-image image-to-text
image-to-image image-to-video unconditional-image-generation video-classification
reinforcement-learning robotics tabular-classification tabular-regression text-to-video
visual-question-answering document-question-answering zero-shot-image-classification graph-ml
mask-generation zero-shot-object-detection text-to-3d image-to-3d image-feature-extraction
image-text-to-text video-text-to-text keypoint-detection visual-document-retrieval any-to-any
text-ranking time-series-forecasting other
"""
HF_PIPELINES = tuple(_HF_PIPELINES_TEXT.split())


def site_of(card: Card) -> Site:
    """The site that the front matter of a document is for; "" if it is for a site generator."""
    present = {one.key for one in card.fields}
    layout = card.field("layout")
    if {"github-link", "background-class", "body-class"} & present or (
        layout and layout.values == ("hub_detail",)
    ):
        return "pytorch-hub"
    if layout is None and (HF_SIGNS & present or _looks_like_card(card)):
        return "huggingface"
    return ""


def _looks_like_card(card: Card) -> bool:
    """Whether a document with invalid front matter has the name of a model card."""
    return bool(card.problem) and card.path.lower() in ("readme.md", "model_card.md")
