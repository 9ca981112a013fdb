def net(:  # expect: HUB002
    return 1
