from flask_admin.base import Admin as Admin
from flask_admin.base import AdminIndexView as AdminIndexView
from flask_admin.base import BaseView as BaseView
from flask_admin.base import expose as expose
