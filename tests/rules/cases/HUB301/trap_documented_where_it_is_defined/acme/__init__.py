from acme.nets import net as net
