mkdir -p acme_unet/__pycache__
printf "" > acme_unet/__pycache__/net.cpython-38.pyc
printf "" > .DS_Store
git init -q -b main
git -c core.excludesFile=/dev/null add -A
