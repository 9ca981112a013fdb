from package.models import net as net
