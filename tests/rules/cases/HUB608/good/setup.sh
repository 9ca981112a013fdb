mkdir -p acme_unet/__pycache__
printf "" > acme_unet/__pycache__/net.cpython-38.pyc
printf "__pycache__/\n" > .gitignore
git init -q -b main
git add -A
