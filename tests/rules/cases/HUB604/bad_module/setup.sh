mv acme_unet/net.py real.py
ln -s ../real.py acme_unet/net.py
git init -q -b main
git add -A
