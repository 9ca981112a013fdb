"""The messages of the defective entrypoints, line by line."""

from __future__ import annotations

MESSAGES = (
    [
        "hubconf.py:*: calling bad_undeclared_lazy imports numpy, which is not in `dependencies`.",
        "    hubconf.py:* imports numpy, while bad_undeclared_lazy runs",
        '  Add "numpy" to `dependencies` in hubconf.py, line *',
        'To expect this failure: expected = { C102 = "the reason" } in hubkit.toml',
        "C102 dependencies-sufficient: `hubkit explain C102`",
    ],
    [
        "*bad_is_not_none(pretrained=False) downloads although it is called without weights: https:*",
        "    requested at hubconf.py:* by socket.getaddrinfo",
        "  pretrained=False should prevent it.*",
        'To expect this failure: expected = { C106 = "the reason" } in [[]entrypoints.bad_is_not_none[]] *',
    ],
    ["*bad_nested_hub(pretrained=False) downloads *: the hub repo someone/else"],
    ["*bad_pair_return(pretrained=False) returns a tuple of Net, list, not an nn.Module."],
    ["*torch.hub.help prints nothing for bad_silent: it has no docstring."],
    ["*verbose cannot be passed to bad_reserved_verbose by name: *"],
    ["*bad_registers_in_call(pretrained=False) works once and fails the second time*"],
    [
        "*bad_state_on_load(pretrained=False) changes global state.",
        "    torch.get_default_dtype() was torch.float32 and is torch.float64",
        "  The cause may be torch.set_default_dtype at hubconf.py:*.",
    ],
    [
        "*bad_reseeds(pretrained=False) reseeds the global random generators.",
        "    afterwards, torch.rand(1) returns 0.* for any seed",
        "    hubconf.py:*: torch.manual_seed",
    ],
    ["*bad_wrong_input fails on its example input: RuntimeError*", "*input: float32[[]2, 4[]]"],
    ["*output of bad_wrong_output does not match its declaration.", "*float32[[]2, 1[]], not f32*"],
    [
        "*output of bad_not_finite has numbers that are not finite.",
        "*output: 4 of 4, the first at *: *inf",
    ],
    ["*bad_noisy returns different outputs for the same input in evaluation mode."],
    ["*Running bad_counts in evaluation mode changes*", "    1 changed: buffer seen"],
    ["*Running bad_writes_to_input in evaluation mode*", "    1 changed: input [[]0[]]"],
    ["*Running bad_draws in evaluation mode draws*", "    generators: torch"],
    ["*bad_train_gives_nothing.train() returns NoneType, not the model."],
    [
        "*torch.load(weights_only=True) refuses the saved weights of bad_secret_in_state.",
        "    _extra_state: dict",
    ],
    [
        "*weights of bad_counted_names do not fit a second model*",
        "*2 saved and not in the second model*",
    ],
    ["*A second bad_hidden_tensor with the same weights returns different outputs."],
    ["*bad_lock cannot be copied: TypeError*", "    lock is a lock"],
    [
        "*bad_batch_mean's output for a sample depends on the other samples in the batch.",
        "    row 1 alone, output: largest difference *",
    ],
    ["*bad_no_gradient cannot be trained: no output requires a gradient."],
    ["*Running bad_state_on_forward changes global state.", "    torch.get_num_threads() was *"],
    [
        "*bad_uncommitted works in the working tree, but not from the archive of commit *",
        "    shapes/secret.py: git ignores it (.gitignore:1:secret.py)",
    ],
    [
        "*bad_cwd_path works in the working tree, but not from the archive of commit *",
        "    shapes/classes.txt exists, but the working directory is a different one",
        "  Open files of the repo with Path(__file__).parent*",
    ],
    ["*bad_lazy_forward_import runs in the working tree, but fails from the archive*shapes_late*"],
    ["*Running bad_writes_beside_code writes to the folder*", "    bad_writes_beside_code.txt"],
    [
        "*Two processes build bad_seeded_by_clock with different weights from the same seed.",
        "    1 of 9 differ*",
    ],
    [
        "*bad_fails(pretrained=False) fails with TypeError: *",
        "    hubconf.py:*: in bad_fails",
        "*return _Net(width=*four*)",
        "    shapes/model.py:*: in __init__",
    ],
)
