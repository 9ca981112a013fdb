def main():
    return open("net.pth")


if __name__ == "__main__":
    open("net.pth")
