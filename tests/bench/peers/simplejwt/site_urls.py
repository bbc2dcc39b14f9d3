"""The refresh of SimpleJWT, and an authenticated read."""

from django.http import JsonResponse
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.views import TokenRefreshView


class Me(APIView):
    """Who is calling."""

    permission_classes = [IsAuthenticated]

    def get(self, request):
        """The caller, read from the database."""
        user = request.user
        return Response({"id": user.id, "username": user.username, "email": user.email})


urlpatterns = [
    path("healthz", lambda request: JsonResponse({"status": "ok"})),
    path("token/refresh", TokenRefreshView.as_view()),
    path("me", Me.as_view()),
]
