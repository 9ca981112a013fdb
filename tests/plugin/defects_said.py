"""What the failures of the wrong entrypoints say, line by line."""

from __future__ import annotations

SAID = (
    [
        "hubconf.py:*: calling bad_undeclared_lazy needs numpy, which `dependencies` does not *",
        "    hubconf.py:* imports numpy, while bad_undeclared_lazy runs",
        '  Add "numpy" to `dependencies` in hubconf.py, line *',
        'To expect it: expected = { C102 = "the reason" } in hubkit.toml',
        "C102 dependencies-sufficient: `hubkit explain C102`",
    ],
    [
        "*bad_is_not_none(pretrained=False) downloads although no weights were asked for: https:*",
        "    requested at hubconf.py:* by socket.getaddrinfo",
        "  pretrained=False should have prevented it.*",
        'To expect it: expected = { C106 = "the reason" } in [[]entrypoints.bad_is_not_none[]] *',
    ],
    ["*bad_nested_hub(pretrained=False) downloads *: the hub repo someone/else"],
    ["*bad_pair_return(pretrained=False) gives a tuple of Net, list, not an nn.Module."],
    ["*torch.hub.help prints nothing for bad_silent: it has no docstring."],
    ["*Nobody can pass verbose to bad_reserved_verbose by name: *"],
    ["*The first bad_registers_in_call(pretrained=False) works and the second*"],
    [
        "*bad_state_on_load(pretrained=False) changes the process of whoever calls it.",
        "    torch.get_default_dtype() was torch.float32 and is torch.float64",
        "  Is it torch.set_default_dtype at hubconf.py:*?",
    ],
    [
        "*bad_reseeds(pretrained=False) reseeds random numbers*",
        "    then torch.rand(1) gives 0.* for any seed",
        "    hubconf.py:*: torch.manual_seed",
    ],
    ["*bad_wrong_input fails on its example input: RuntimeError*", "*given float32[[]2, 4[]]"],
    ["*bad_wrong_output does not give what is declared for it.", "*float32[[]2, 1[]], not f32*"],
    ["*bad_not_finite gives numbers that are not finite.", "*output: 4 of 4, the first at *: *inf"],
    ["*bad_noisy gives two different answers to the same input in evaluation mode."],
    ["*Running bad_counts in evaluation mode changes*", "    1 changed: buffer seen"],
    ["*Running bad_writes_to_input in evaluation mode*", "    1 changed: input [[]0[]]"],
    ["*Running bad_draws in evaluation mode draws*", "    from the generator of torch"],
    ["*bad_train_gives_nothing.train() gives NoneType, not the model."],
    ["*weights of bad_secret_in_state cannot be read back safely*", "    _extra_state: dict"],
    [
        "*weights of bad_counted_names do not fit a second model*",
        "*2 saved and not in the second model*",
    ],
    ["*A second bad_hidden_tensor with the same weights gives other results."],
    ["*bad_lock cannot be copied: TypeError*", "    lock is a lock"],
    [
        "*What bad_batch_mean gives for an input depends on the rest of the batch.",
        "    row 1 alone, output: largest difference *",
    ],
    ["*bad_no_gradient cannot be trained: nothing that it gives has a gradient."],
    ["*Running bad_state_on_forward changes the process*", "    torch.get_num_threads() was *"],
    [
        "*bad_uncommitted works in this work tree, and its users cannot load it*",
        "    shapes/secret.py: git ignores it (.gitignore:1:secret.py)",
    ],
    [
        "*bad_cwd_path works in this work tree, and its users cannot load it*",
        "    shapes/classes.txt is there, but the current folder is another",
        "  Open files of the repo by Path(__file__).parent*",
    ],
    ["*bad_lazy_forward_import runs here, and fails with the archive*shapes_late*"],
    ["*Running bad_writes_beside_code writes into the folder*", "    bad_writes_beside_code.txt"],
    ["*two processes build bad_seeded_by_clock with different weights.", "    1 of 9 differ*"],
    [
        "*bad_fails(pretrained=False) fails with TypeError: *",
        "    hubconf.py:*: in bad_fails",
        "*return _Net(width=*four*)",
        "    shapes/model.py:*: in __init__",
    ],
)
