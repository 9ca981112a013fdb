MODEL_URLS = {"small": "https://example.org/small.pth"}
