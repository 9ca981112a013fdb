def plot():
    import matplotlib

    return matplotlib
