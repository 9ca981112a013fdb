mkdir src
mv acme_unet src/
ln -s src/acme_unet acme_unet
git init -q -b main
git add -A
