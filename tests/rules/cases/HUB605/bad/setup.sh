printf "" > acme_unet/Net.py
printf "" > aux.txt
git init -q -b main
git add -A
