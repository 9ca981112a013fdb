from acme_nets import resnet


def custom(model, verbose=True):
    return resnet()
