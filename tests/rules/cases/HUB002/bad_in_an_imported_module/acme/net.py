import timm


def net(pretrained=False)  # expect: HUB002
    return timm.create_model("net")
