from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpResponse, JsonResponse
from django.template import engines
from django.urls import path
from django.utils import timezone, translation


def index(request):
    request.session["seen"] = request.session.get("seen", 0) + 1
    template = engines["django"].from_string("<p>{{ seen }} times</p>")
    return HttpResponse(template.render({"seen": request.session["seen"]}))


def people(request):
    User.objects.get_or_create(username="ada")
    names = list(User.objects.values_list("username", flat=True))
    with translation.override("de"):
        month = translation.gettext("March")
    return JsonResponse({"names": names, "zone": str(timezone.get_current_timezone()), "month": month})


def migrate(request):
    call_command("migrate", verbosity=0)
    return HttpResponse("migrated")


urlpatterns = [path("", index), path("people", people), path("migrate", migrate)]
