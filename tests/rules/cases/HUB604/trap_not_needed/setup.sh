ln -s acme_unet/net.py shortcut.py
git init -q -b main
git add -A
