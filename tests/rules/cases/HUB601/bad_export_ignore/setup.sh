git init -q -b main
printf "acme_unet/net.py export-ignore\n" > .gitattributes
git add -A
