"""The conformance classes of all vendors."""

from tests.vendors.test_bloomreach import TestBloomreach
from tests.vendors.test_blueshift import TestBlueshift
from tests.vendors.test_pigment import TestPigment
from tests.vendors.test_rocketchat import TestRocketChat
from tests.vendors.test_websale import TestWebsale

SUITES = (TestBloomreach, TestBlueshift, TestPigment, TestRocketChat, TestWebsale)
