git init -q -b main
printf "checkpoints/\n" > .gitignore
git add -A
mkdir checkpoints notes
printf "import acme_unet.nothing\n" > notes/try.py
