git init -q -b main
head -c 4096 /dev/zero > unet.pth
git add -A
