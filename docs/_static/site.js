// Excerpts of search results are requested, which browsers deny to pages that are files.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
