printf "" > auxiliary.py
printf "" > console.txt
mkdir a b
printf "" > a/Net.py
printf "" > b/net.py
git init -q -b main
git add -A
printf "" > acme_unet/NET.py
