git init -q -b main
printf "acme_unet/\n" > .gitignore
git add -A
