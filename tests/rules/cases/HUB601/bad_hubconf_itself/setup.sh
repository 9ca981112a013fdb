git init -q -b main
git add acme_unet LICENSE
