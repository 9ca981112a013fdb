"""Limits on foreign input: how much hubkit reads of what others wrote, and why.

Everything that bounds memory or work on bytes from a host, a repo, a checkpoint or a shared folder
is in this table. ``docs/security.md`` shows it, and a test compares the two. Read a limit when it
is needed (``limits.JSON_DEPTH.most``), not at import.
"""

from __future__ import annotations

from msgspec import Struct

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Limit(Struct, frozen=True):
    """One limit.

    Attributes:
        most: The largest value that is accepted.
        unit: What is counted.
        reason: What real input needs, or what more would cost.
    """

    most: int
    unit: str
    reason: str


# Answers of hosts
NUMBER_DIGITS = Limit(18, "digits", "a count in a header fits into 64 bits")
ENCODINGS = Limit(1, "content codings", "each layer of gzip multiplies the size by a thousand")
REDIRECT_BODY = Limit(64 * KIB, "bytes", "a redirect explains itself in one sentence")
ANSWER_SECONDS = Limit(600, "seconds", "a list of refs arrives in seconds, and is never resumed")
DOWNLOAD_BYTES = Limit(64 * GIB, "bytes", "a file without a Content-Length; others may be longer")
REFS_BYTES = Limit(128 * MIB, "bytes", "a repo with a million refs lists 70 MB of them")
REFS_COUNT = Limit(1_000_000, "refs", "the largest repos have this many, pull requests included")
REFS_MARKS = Limit(64, "packets", "flush packets only separate sections")
SUGGESTIONS = Limit(5000, "names", "compared with a misspelled one, each by difflib")
ABILITIES_BYTES = Limit(64 * KIB, "bytes", "a list of capabilities has a few hundred")
RETRY_SECONDS = Limit(60, "seconds", "longer waits are reported instead of waited for")
RATE_LIMIT_SECONDS = Limit(7200, "seconds", "hosts count requests by the hour; an audit waits")

# Packs of commits
PACK_BYTES = Limit(512 * MIB, "bytes", "a hundred thousand commits have about 30 MB")
PACK_OBJECTS = Limit(5_000_000, "objects", "Linux has 1.3 million commits")
PACK_INFLATED = Limit(4 * GIB, "bytes", "packs that hosts do not filter contain files, too")
PACK_KEPT = Limit(512 * MIB, "bytes", "commits are kept, since others are deltas of them")
PACK_RATIO = Limit(20, "kept bytes for each compressed one", "commits unpack to about four")
PACK_RATIO_FROM = Limit(64 * MIB, "bytes", "kept in any case, however small the pack is")
PACK_STEPS = Limit(20_000_000, "delta instructions", "a delta of a commit has about five")
COMMIT_BYTES = Limit(MIB, "bytes", "a longer commit message was not written by a person")

# Archives
ARCHIVE_BYTES = Limit(4 * GIB, "bytes", "of the archive, and of what it unpacks to")
ARCHIVE_INDEX = Limit(64 * MIB, "bytes", "the index of 100,000 members has about 15 MB")
ARCHIVE_MEMBERS = Limit(100_000, "members", "Linux has 90,000 files")
ARCHIVE_RATIO = Limit(200, "bytes for each compressed one", "source code unpacks to 3 to 10")
ARCHIVE_RATIO_FROM = Limit(64 * MIB, "bytes", "below, a high ratio does no harm")
CHECKPOINT_MEMBERS = Limit(250_000, "members", "the largest models have 10,000 tensors")
ARCHIVE_PATHS = Limit(64 * MIB, "bytes", "of the names of all folders, spelled out")
PATH_BYTES = Limit(1024, "bytes", "macOS opens no longer path, Windows only one of 260")
PATH_DEPTH = Limit(100, "folders", "nested node_modules have about 40")
LINK_BYTES = Limit(4096, "bytes", "Linux follows no longer link")
LINK_HOPS = Limit(40, "links", "Linux follows as many in a row")
LINK_STEPS = Limit(5_000_000, "path parts", "of all links of an archive, followed to the end")
SUBMODULES = Limit(200, "submodules", "those of submodules included")

# Checkpoints
CHECKPOINT_UNPACKED = Limit(16 * GIB, "bytes", "of a file zipped as a whole, read into memory")
CHECKPOINT_RATIO = Limit(100, "bytes for each compressed one", "weights hardly compress")
CHECKPOINT_RATIO_FROM = Limit(64 * MIB, "bytes", "below, a high ratio does no harm")
CHECKPOINT_INDEX = Limit(64 * MIB, "bytes", "an archive of torch's has one member for each tensor")
SAFETENSORS_HEADER = Limit(100_000_000, "bytes", "the format allows no longer header")
PICKLE_BYTES = Limit(64 * MIB, "bytes", "tensors lie outside the pickle")
PICKLE_OPCODES = Limit(2_000_000, "opcodes", "a state dict has about 20 for each tensor")
CHECKPOINT_DEPTH = Limit(8, "levels", "training checkpoints nest about three")
BUNDLED_BYTES = Limit(64 * MIB, "bytes", "of one checkpoint in a repo, when its pickle is scanned")
PROPOSED_CHECKPOINTS = Limit(64, "files", "checkpoints in a repo that init looks into")
BUNDLED_TOTAL = Limit(256 * MIB, "bytes", "of all checkpoints in a repo")

# Documents that hubkit or people write: JSON, TOML, YAML
JSON_BYTES = Limit(64 * MIB, "bytes", "a report of thousands of findings has a few")
JSON_DEPTH = Limit(64, "levels", "hubkit writes at most eight")
LOCK_FILE_BYTES = Limit(16 * MIB, "bytes", "a hundred thousand pinned files")
RECORD_BYTES = Limit(MIB, "bytes", "records in the hub dir have a few hundred")
MANIFEST_BYTES = Limit(256 * MIB, "bytes", "100,000 paths of the longest kind")
REPLY_BYTES = Limit(64 * MIB, "bytes", "what a child process reports about a repo")
REPORT_BYTES = Limit(16 * MIB, "bytes", "a cached report of a huge repo has one or two")
OUTPUT_BYTES = Limit(64 * KIB, "bytes", "the end of what a child process prints")
TOML_BYTES = Limit(MIB, "bytes", "a large pyproject.toml has 50 KB")
TOML_DEPTH = Limit(64, "parts of a dotted key", "parsing takes time quadratic in them")
FRONT_MATTER = Limit(200_000, "characters", "site generators accept no longer front matter")

# Source code
FRONT_MATTER_TOTAL = Limit(400_000, "characters", "of all cards of a repo; YAML is read slowly")
SOURCE_MARKS = Limit(200_000, "operators, brackets and line ends", "long modules have 30,000")
SOURCE_MARKS_TOTAL = Limit(2_000_000, "operators, brackets and line ends", "of all modules read")
SOURCE_BYTES = Limit(8 * MIB, "bytes", "longer files contain data and no code")
SOURCE_DEPTH = Limit(620, "levels of an expression", "generated sums and chains of calls have 300")
ATTRIBUTES_BYTES = Limit(MIB, "bytes", "a .gitattributes file has a few hundred")
POINTER_BYTES = Limit(1024, "bytes", "Git LFS writes no longer pointer")
LINE = Limit(2000, "characters", "of a line that a report shows")
SOURCE_FILES = Limit(1500, "files", "modules that init reads, those near the root first")
EXAMPLE_FILES = Limit(800, "files", "documents and modules that init searches for examples")
CONFIG_FILES = Limit(64, "files", "configuration in which init looks for arguments of models")
CONFIG_BYTES = Limit(64 * KIB, "bytes", "a longer configuration file contains data")
CONFIG_TOTAL = Limit(512 * KIB, "bytes", "of all these files; YAML is read slowly")
CONFIG_VALUES = Limit(2000, "values", "in one of them")
STRAY_FILES = Limit(200_000, "files", "in a working tree in which init looks for checkpoints")
TRIED_MODELS = Limit(32, "models", "that init builds: twice as many as it proposes")
TRIED_STARTS = Limit(12, "sets of arguments", "from calls and configuration files, for one model")
TRIED_BUILDS = Limit(160, "builds", "of one model, to find arguments that fit a checkpoint")
LITERAL_STEPS = Limit(100_000, "steps", "to compute the value of one name")
STRING_STEPS = Limit(2000, "steps", "to compute one string, such as a URL")
STRING_LEVELS = Limit(24, "levels", "of expressions and variables in one string")
STRING_LENGTH = Limit(4096, "characters", "of a computed string")
VALUE_CHOICES = Limit(64, "values", "that one expression may have, such as those of a table")
MADE_NAMES = Limit(128, "entrypoints", "made at run time and checked; of more, only names are read")
CLASS_BASES = Limit(32, "classes", "followed up from one class")
DOCSTRING = Limit(200_000, "characters", "written ones have hundreds")

# Documents of a repo
DOCUMENTS = Limit(400, "files", "those near the root come first")
DOCUMENT_BYTES = Limit(8 * MIB, "bytes", "notebooks with pictures; the rest is not read")
DOCUMENTS_TOTAL = Limit(64 * MIB, "bytes", "of all documents of a repo")
SNIPPETS = Limit(2000, "calls", "in one document; a hub page shows one for each entrypoint")
PLACEHOLDERS = Limit(100, "placeholders", "reported of one card")
SNIPPET = Limit(2000, "characters", "of one call")


def all_limits() -> dict[str, Limit]:
    """Every limit by name, in the order of the table."""
    return {name: value for name, value in globals().items() if isinstance(value, Limit)}
